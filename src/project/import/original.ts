/**
 * Reads the configuration of the original Peach: `peach.yaml`, or the files of a folder
 * `peach.conf`. Knows the keys, and keeps the place of every entry for the notes of an import.
 */
import { type Diagnostic, reportInto } from "../../compiler/diagnostic.ts";
import type { ConfFile, Path } from "../../compiler/conf-file.ts";
import { readConfFiles } from "../../compiler/read-conf.ts";
import { isMapping } from "../../compiler/schema-parts.ts";
import type { Span } from "../../compiler/source.ts";

/** A function of a notebook that a task or a component names. */
export interface OriginalMethod {
  /** The path of the notebook; null if the configuration names none. */
  readonly notebook: string | null;
  /** The name of the Python function; null if the whole notebook was run. */
  readonly method: string | null;
  /** True if all cells belong to the function. */
  readonly fullNotebook: boolean;
}

/** A task or an endpoint. */
interface OriginalEntry {
  readonly name: string;
  readonly span: Span;
  /** Further keys, which Peach may know under the same name. */
  readonly rest: readonly OriginalKey[];
}

/** A key with its value and place. */
export interface OriginalKey {
  readonly key: string;
  readonly value: unknown;
  readonly span: Span;
}

/** A task, or a component of an endpoint. */
export interface OriginalTask extends OriginalEntry, OriginalMethod {}

export interface OriginalEndpoint extends OriginalEntry {
  /** The components. An endpoint with `method` counts as a single component. */
  readonly components: readonly OriginalTask[];
}

/** The configuration of the original Peach. */
export interface Original {
  readonly codops: string | null;
  readonly tasks: readonly OriginalTask[];
  readonly endpoints: readonly OriginalEndpoint[];
  /** Further keys at the top. */
  readonly rest: readonly OriginalKey[];
}

/** The hint for a path that cannot be read, or has nothing to import. */
const ORIGINAL_HINT = "give the peach.yaml of the original Peach, or its folder peach.conf";

/** Reads a file or a folder. Returns the problems if nothing can be imported. */
export function readOriginal(
  path: string,
):
  | { readonly ok: true; readonly original: Original }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const report = reportInto(diagnostics);
  const { files } = readConfFiles(path, report, {
    unreadable: ORIGINAL_HINT,
    empty: ORIGINAL_HINT,
  });
  if (files === null || diagnostics.length > 0) return { ok: false, diagnostics };
  const roots = files.map((file) => keysOf(file, []));
  const original: Original = {
    codops: codopsOf(roots.flat()),
    tasks: files.flatMap((file) => entriesOf(file, "tasks").map((path) => taskAt(file, path))),
    endpoints: files.flatMap((file) =>
      entriesOf(file, "endpoints").map((path) => endpointAt(file, path)),
    ),
    rest: roots.flat().filter(({ key }) => !["codops", "tasks", "endpoints"].includes(key)),
  };
  if (original.tasks.length + original.endpoints.length === 0) {
    report("PEACH110", files[0].valueSpan([]), "there is no task and no endpoint to import", {
      hint: ORIGINAL_HINT,
    });
    return { ok: false, diagnostics };
  }
  return { ok: true, original };
}

function codopsOf(keys: readonly OriginalKey[]): string | null {
  const codops = keys.find(({ key }) => key === "codops")?.value;
  return typeof codops === "string" && codops.trim() !== "" ? codops : null;
}

/** Lists the paths of the entries of `tasks` or `endpoints`, a mapping by name or a list. */
function entriesOf(file: ConfFile, key: string): Path[] {
  const entries = valueAt(file, [key]);
  if (Array.isArray(entries)) return entries.map((_entry, index) => [key, index]);
  return isMapping(entries) ? Object.keys(entries).map((name) => [key, name]) : [];
}

function taskAt(file: ConfFile, path: Path): OriginalTask {
  const keys = keysOf(file, path);
  return { ...entryAt(file, path, keys), ...methodOf(keys) };
}

function endpointAt(file: ConfFile, path: Path): OriginalEndpoint {
  const keys = keysOf(file, path);
  const components = valueAt(file, [...path, "components"]);
  const entry = entryAt(
    file,
    path,
    keys.filter(({ key }) => key !== "components"),
  );
  if (isMapping(components))
    return {
      ...entry,
      components: Object.keys(components).map((name) => {
        const componentPath = [...path, "components", name];
        const own = keysOf(file, componentPath);
        return {
          ...methodOf(own),
          name,
          span: file.keySpan(componentPath),
          rest: own.filter(({ key }) => !METHOD_KEYS.includes(key)),
        };
      }),
    };
  return {
    ...entry,
    components: [{ ...methodOf(keys), name: entry.name, span: entry.span, rest: [] }],
  };
}

/** The keys that choose the called function. */
const METHOD_KEYS: readonly string[] = ["notebook", "method", "full_notebook"];

function entryAt(file: ConfFile, path: Path, keys: readonly OriginalKey[]): OriginalEntry {
  const named = keys.find(({ key }) => key === "name")?.value;
  return {
    name: typeof named === "string" ? named : String(path.at(-1)),
    span: file.keySpan(path),
    rest: keys.filter(({ key }) => key !== "name" && !METHOD_KEYS.includes(key)),
  };
}

function methodOf(keys: readonly OriginalKey[]): OriginalMethod {
  const text = (name: string): string | null => {
    const value = keys.find(({ key }) => key === name)?.value;
    return typeof value === "string" && value !== "" ? value : null;
  };
  return {
    notebook: text("notebook"),
    method: text("method"),
    fullNotebook: keys.some(({ key, value }) => key === "full_notebook" && value === true),
  };
}

/** Lists the keys of the mapping at this path; none if there is no mapping. */
function keysOf(file: ConfFile, path: Path): OriginalKey[] {
  const value = valueAt(file, path);
  if (!isMapping(value)) return [];
  return Object.entries(value).map(([key, content]) => ({
    key,
    value: content,
    span: file.keySpan([...path, key]),
  }));
}

function valueAt(file: ConfFile, path: Path): unknown {
  return path.reduce<unknown>((value, key) => {
    if (Array.isArray(value)) return value[Number(key)];
    return isMapping(value) && Object.hasOwn(value, String(key)) ? value[String(key)] : undefined;
  }, file.value);
}
