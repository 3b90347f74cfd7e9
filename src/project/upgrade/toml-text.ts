/**
 * Edits the text of a TOML file table by table. Comments and untouched tables stay. Headers are
 * found line by line, also within texts of several lines. Callers compare the meaning of the file
 * after an edit.
 */
import { isDeepStrictEqual } from "node:util";
import { parse } from "smol-toml";

/** Tests if a TOML file has these values, and no others. */
export function means(toml: string, values: Readonly<Record<string, unknown>>): boolean {
  try {
    return isDeepStrictEqual(plain(parse(toml)), plain(values));
  } catch {
    return false;
  }
}

/** The values without the classes of the parser. */
function plain(values: object): unknown {
  return JSON.parse(JSON.stringify(values));
}

/** A table of a file: its header, and the lines that belong to it. */
interface Table {
  /** The header without brackets, such as `durable_objects.bindings`; null at the top. */
  readonly name: string | null;
  readonly lines: readonly string[];
}

/** Splits a file at the headers. Comments directly above a header belong to the table. */
function tablesOf(toml: string): Table[] {
  const tables: { name: string | null; lines: string[] }[] = [{ name: null, lines: [] }];
  for (const line of toml.split("\n")) {
    const header = /^\s*\[\[?\s*([^[\]"']+?)\s*\]\]?\s*(?:#.*)?$/.exec(line)?.[1];
    const before = tables.at(-1);
    if (header === undefined || before === undefined) {
      before?.lines.push(line);
      continue;
    }
    const comments: string[] = [];
    while (/^\s*#/.test(before.lines.at(-1) ?? "")) comments.unshift(before.lines.pop() ?? "");
    tables.push({ name: header.replaceAll(/\s/g, ""), lines: [...comments, line] });
  }
  return tables;
}

function textOf(tables: readonly Table[]): string {
  return tables.map(({ lines }) => lines.join("\n")).join("\n");
}

/** Removes the tables of this name whose text fits. The comments of the tables stay. */
export function removeTables(toml: string, name: string, fits: (table: string) => boolean): string {
  const kept = tablesOf(toml).flatMap((table) => {
    if (table.name !== name || !fits(table.lines.join("\n"))) return [table];
    const comments = table.lines.filter((line) => /^\s*#/.test(line));
    return comments.length === 0 ? [] : [{ name: null, lines: [...comments, ""] }];
  });
  return textOf(kept);
}

/** Inserts a table behind the last one of this name, or at the end of the file. */
export function insertAfter(toml: string, name: string, table: string): string {
  const tables = tablesOf(toml);
  const last = tables.findLastIndex((one) => one.name === name);
  const place = last === -1 ? tables.length - 1 : last;
  const before = textOf(tables.slice(0, place + 1)).trimEnd();
  const after = textOf(tables.slice(place + 1));
  const inserted = `\n\n${table}\n${after === "" ? "" : "\n"}`;
  return `${before}${toml.includes("\r\n") ? inserted.replaceAll("\n", "\r\n") : inserted}${after}`;
}

/** Replaces a line in the tables of this name. */
export function replaceInTable(toml: string, name: string, line: RegExp, by: string): string {
  const tables = tablesOf(toml).map((table) =>
    table.name === name
      ? {
          ...table,
          lines: table.lines.map((one) =>
            line.test(one) ? `${by}${/\r?$/.exec(one)?.[0] ?? ""}` : one,
          ),
        }
      : table,
  );
  return textOf(tables);
}
