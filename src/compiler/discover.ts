/**
 * Finds the exports of the files under the pipelines folder, with a real parser. Reads the disk;
 * knows nothing of peach.conf.
 */
import { readdirSync } from "node:fs";
import { dirname, join, posix, relative, resolve, sep } from "node:path";
import { type OxcError, parseSync } from "oxc-parser";
import type { Report } from "./diagnostic.ts";
import { displayPath } from "./project-paths.ts";
import { readText } from "./read-file.ts";
import { positionAt, type SourceFile } from "./source.ts";

/** A file under the pipelines folder. */
export interface PipelineModule {
  /** The path under the folder, with `/` and without `.ts`. */
  readonly name: string;
  /** The absolute path. */
  readonly file: string;
  /**
   * Exported values with their origins, the file and name of the definition. A re-export has the
   * origin of the original, so a function under two names counts once.
   */
  readonly exports: ReadonlyMap<string, string>;
  /** The packages of `export * from`. Names in packages are unknown. */
  readonly unread: readonly string[];
  /**
   * Files that are evaluated when the module is imported, itself included. Packages are left out.
   */
  readonly evaluates: ReadonlySet<string>;
  /** The texts of the files among `evaluates` that do not parse and may export further names. */
  readonly unparsed: readonly string[];
}

/** The exports and imports of one file as written, before re-exports are followed. */
interface FileExports {
  /** Names of values that the file defines itself. */
  readonly own: ReadonlySet<string>;
  /** Re-exported values: export name → origin. `file` is null for packages. */
  readonly from: ReadonlyMap<
    string,
    { readonly file: string | null; readonly request: string; readonly name: string }
  >;
  /** The files of `export * from`. */
  readonly all: readonly string[];
  /** The packages of `export * from`. */
  readonly unread: readonly string[];
  /** Files that are imported or re-exported for more than types. */
  readonly imports: readonly string[];
}

/** Lists the pipeline modules by path, or returns null if the folder cannot be read. */
export function discoverModules(folder: string, report: Report): PipelineModule[] | null {
  const files = listFiles(folder);
  if (files === null) return null;
  const scanner = new ExportScanner(report);
  return files.map((file) => ({
    name: relative(folder, file).split(sep).join(posix.sep).replace(/\.ts$/, ""),
    file,
    exports: scanner.resolve(file),
    unread: scanner.unreadOf(file),
    evaluates: scanner.evaluatedWith(file),
    unparsed: scanner.unparsedWith(file),
  }));
}

/**
 * Tests if a module may export a name behind a syntax error: an unparsed file has the name, or
 * passes on all names of another file.
 */
export function mayExport({ unparsed }: PipelineModule, name: string): boolean {
  return unparsed.some(
    (text) =>
      /export\s*\*/.test(text) || new Set<string>(text.match(/[\p{ID_Continue}$]+/gu)).has(name),
  );
}

/** Lists `.ts` files in a stable order, without declarations, tests and installed packages. */
function listFiles(folder: string): string[] | null {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter(
        (entry) =>
          entry.isFile() && entry.name.endsWith(".ts") && !/\.(d|test|spec)\.ts$/.test(entry.name),
      )
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => !relative(folder, file).split(sep).includes("node_modules"))
      .toSorted();
  } catch {
    return null;
  }
}

/** Parses each file once and follows its re-exports and imports. */
class ExportScanner {
  readonly #report: Report;
  readonly #scanned = new Map<string, FileExports | null>();
  /** The texts of the files that do not parse, by path. */
  readonly #unparsed = new Map<string, string>();

  constructor(report: Report) {
    this.#report = report;
  }

  /**
   * Resolves the exported values of a file but its default, by name. `seen` breaks cycles of
   * `export *`.
   */
  resolve(file: string, seen: ReadonlySet<string> = new Set()): Map<string, string> {
    const found = new Map<string, string>();
    const scanned = seen.has(file) ? null : this.#scan(file);
    if (scanned === null) return found;
    const onWay = new Set([...seen, file]);
    for (const name of scanned.own) found.set(name, `${file}#${name}`);
    for (const [name, { file: source, request, name: sourceName }] of scanned.from) {
      const origin = source === null ? undefined : this.resolve(source, onWay).get(sourceName);
      found.set(name, origin ?? `${request}#${sourceName}`);
    }
    // As in JavaScript, an export by name hides one of the same name from `export *`.
    for (const source of scanned.all) {
      for (const [name, origin] of this.resolve(source, onWay))
        if (!found.has(name)) found.set(name, origin);
    }
    return found;
  }

  /** Lists the packages of `export * from` in a file. */
  unreadOf(file: string): readonly string[] {
    return this.#scan(file)?.unread ?? [];
  }

  /** Finds the files that are evaluated when this file is. */
  evaluatedWith(file: string): ReadonlySet<string> {
    const found = new Set([file]);
    // The loop also visits the files that are added to the set meanwhile.
    for (const each of found)
      for (const imported of this.#scan(each)?.imports ?? []) found.add(imported);
    return found;
  }

  /** Finds the texts of the files that are evaluated with this file and do not parse. */
  unparsedWith(file: string): readonly string[] {
    return [...this.evaluatedWith(file)].flatMap((each) => this.#unparsed.get(each) ?? []);
  }

  /** Reads a file once; the result is kept, as many files import the same ones. */
  #scan(file: string): FileExports | null {
    const known = this.#scanned.get(file);
    if (known !== undefined) return known;
    const scanned = this.#read(file);
    this.#scanned.set(file, scanned);
    return scanned;
  }

  /**
   * Parses a file and sorts its imports and exports. Syntax errors are reported, and the rest is
   * still used.
   */
  #read(file: string): FileExports | null {
    const text = readText(file);
    if (text === null) return null;
    const source: SourceFile = { path: displayPath(file), text };
    const parsed = parseSync(file, text, { sourceType: "module", showSemanticErrors: true });
    if (parsed.errors.length > 0) this.#unparsed.set(file, text);
    for (const error of parsed.errors) reportSyntaxError(error, source, this.#report);
    // Imported names, since `export { x }` may re-export an import.
    const imported = new Map<string, { request: string; name: string | null }>();
    const requests = new Set<string>();
    for (const { moduleRequest, entries } of parsed.module.staticImports) {
      // An import of types only is erased, so the file is not evaluated by it.
      if (entries.length === 0 || entries.some(({ isType }) => !isType))
        requests.add(moduleRequest.value);
      for (const { importName, localName } of entries) {
        imported.set(localName.value, { request: moduleRequest.value, name: importName.name });
      }
    }
    const own = new Set<string>();
    const from = new Map<string, { file: string | null; request: string; name: string }>();
    const all: string[] = [];
    const unread: string[] = [];
    for (const entry of parsed.module.staticExports.flatMap(({ entries }) => entries)) {
      if (entry.isType) continue;
      const request = entry.moduleRequest?.value;
      if (request !== undefined) requests.add(request);
      const name = entry.exportName.name;
      if (request !== undefined && name === null) {
        const target = resolveRequest(file, request);
        if (target !== null) all.push(target);
        else if (!request.startsWith(".")) unread.push(request);
        continue;
      }
      if (name === null || name === "default") continue;
      const through =
        request === undefined
          ? imported.get(entry.localName.name ?? "")
          : { request, name: entry.importName.name };
      if (through === undefined) own.add(name);
      else if (through.name !== null)
        from.set(name, {
          file: resolveRequest(file, through.request),
          request: through.request,
          name: through.name,
        });
    }
    const imports = [...requests].flatMap((request) => resolveRequest(file, request) ?? []);
    return { own, from, all, unread, imports };
  }
}

/**
 * Reports a syntax error at its place, with places in other lines that explain it, such as the
 * bracket that is still open. An error at the end of the file is shown behind the last text.
 */
function reportSyntaxError(error: OxcError, source: SourceFile, report: Report): void {
  const written = source.text.trimEnd().length;
  const [first = { source, start: 0, end: 0 }, ...others] = error.labels.map(({ start, end }) => ({
    source,
    start: Math.min(start, written),
    end,
  }));
  const { line } = positionAt(source, first.start);
  const related = others.flatMap((span, index) =>
    positionAt(source, span.start).line === line
      ? []
      : { span, message: error.labels[index + 1]?.message ?? "belongs to it" },
  );
  const message = error.message.replace("`EOF`", "the end of the file");
  report("PEACH304", first, `this file does not parse: ${message}`, {
    hint: error.helpMessage,
    related,
  });
}

/** Resolves a relative import to its file, or returns null. Packages are not followed. */
function resolveRequest(from: string, request: string): string | null {
  if (!request.startsWith(".")) return null;
  const base = resolve(dirname(from), request);
  const candidates = [base, `${base}.ts`, base.replace(/\.js$/, ".ts"), join(base, "index.ts")];
  return candidates.find((file) => file.endsWith(".ts") && readText(file) !== null) ?? null;
}
