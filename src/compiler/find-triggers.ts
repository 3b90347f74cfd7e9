/**
 * Finds out if a function of a pipeline file triggers tasks, as far as the file itself shows. Reads
 * the disk.
 */
import { Visitor, type Program } from "oxc-parser";
import { readProgram } from "./read-file.ts";

/** Helpers that start runs. They are imported, or properties of the context. */
const TRIGGERING: ReadonlySet<string> = new Set([
  "triggerTaskWithEvent",
  "triggerBatch",
  "emitEvent",
]);

/** Tests if an export triggers tasks, as far as its file shows. */
export function triggersSomething(file: string, exportName: string): boolean {
  return namesSomething(file, exportName, TRIGGERING);
}

/**
 * Tests if an export uses one of these helpers: the export names a helper, or calls a function of
 * the same file that does, directly or indirectly. Imports from other files are not followed.
 * Returns false for an unreadable file; another check reports it.
 */
export function namesSomething(
  file: string,
  exportName: string,
  helpers: ReadonlySet<string>,
): boolean {
  const read = readProgram(file);
  if (read === null) return false;
  const { program } = read;
  const named = namesByFunction(program);
  const local = localName(program, exportName);
  const seen = new Set([local]);
  // The loop also visits the names that are added to the set meanwhile.
  for (const one of seen) {
    const names = named.get(one);
    if (names === undefined) continue;
    if ([...names].some((name) => helpers.has(name))) return true;
    for (const name of names) seen.add(name);
  }
  return false;
}

/** Finds the local name of an export: `handle` for `webhook` in `export { handle as webhook }`. */
function localName(program: Program, exportName: string): string {
  let found = exportName;
  new Visitor({
    ExportSpecifier({ local, exported }) {
      if (
        exported.type === "Identifier" &&
        exported.name === exportName &&
        local.type === "Identifier"
      )
        found = local.name;
    },
  }).visit(program);
  return found;
}

/**
 * Collects the identifiers in each top-level declaration of the file. Imports under another name
 * count by their original name.
 */
function namesByFunction(program: Program): Map<string, Set<string>> {
  const imported = new Map<string, string>();
  const ranges: { name: string; start: number; end: number }[] = [];
  for (const statement of program.body) {
    if (statement.type === "ImportDeclaration") {
      for (const specifier of statement.specifiers) {
        if (specifier.type !== "ImportSpecifier" || specifier.imported.type !== "Identifier")
          continue;
        imported.set(specifier.local.name, specifier.imported.name);
      }
      continue;
    }
    const declared =
      statement.type === "ExportNamedDeclaration"
        ? (statement.declaration ?? statement)
        : statement;
    if (declared.type === "FunctionDeclaration" && declared.id !== null)
      ranges.push({ name: declared.id.name, start: declared.start, end: declared.end });
    if (declared.type !== "VariableDeclaration") continue;
    for (const { id, start, end } of declared.declarations)
      if (id.type === "Identifier") ranges.push({ name: id.name, start, end });
  }
  const named = new Map(ranges.map(({ name }) => [name, new Set<string>()]));
  new Visitor({
    Identifier({ name, start }) {
      const range = ranges.find((one) => one.start <= start && start < one.end);
      if (range !== undefined && range.name !== name)
        named.get(range.name)?.add(imported.get(name) ?? name);
    },
  }).visit(program);
  return named;
}
