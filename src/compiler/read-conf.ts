/**
 * Reads peach.conf from the disk: a file, or a folder. The `*.yaml` and `*.yml` files of a folder
 * and of its subfolders are read as a single conf, in the order of their paths. Names with a
 * leading dot are passed over: editors and version control leave such files behind.
 */
import { readdirSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { type ConfFiles, joinConfFiles } from "./conf-folder.ts";
import type { Report } from "./diagnostic.ts";
import { loadFile } from "./load.ts";
import { type ConfFile, type LoadedConf } from "./conf-file.ts";
import { displayPath } from "./project-paths.ts";
import { readText } from "./read-file.ts";
import type { SourceFile } from "./source.ts";

/** The result of reading peach.conf. */
export interface ReadConf {
  /** The paths of the files as diagnostics show them, in reading order. */
  readonly files: readonly string[];
  /** The conf; null if nothing could be read or a file is no YAML, which is reported. */
  readonly loaded: LoadedConf | null;
}

/** The hints for a path that cannot be read, and for files without content. */
interface ReadHints {
  readonly unreadable: string;
  readonly empty: string;
}

const CONF_HINTS: ReadHints = {
  unreadable: "PEACH_CONF names the file or folder; without it, peach.conf of the project is read",
  empty: "it needs at least one task or endpoint, as in tasks: {hello: {method: hello}}",
};

/** Reads and parses peach.conf. Reports every file that cannot be read or parsed. */
export function readConf(confPath: string, report: Report): ReadConf {
  const { paths, files } = readConfFiles(confPath, report);
  if (files === null) return { files: paths, loaded: null };
  const isFolder = isDirectory(confPath);
  return { files: paths, loaded: isFolder ? joinConfFiles(files, report) : files[0] };
}

/**
 * Reads and parses a YAML file, or the YAML files of a folder. `files` holds those with content, or
 * is null if a file cannot be read or parsed, or none has content, which is reported.
 */
export function readConfFiles(
  confPath: string,
  report: Report,
  hints = CONF_HINTS,
): { readonly paths: readonly string[]; readonly files: ConfFiles | null } {
  const files: ConfFile[] = [];
  const sources: SourceFile[] = [];
  let readable = true;
  const isFolder = isDirectory(confPath);
  for (const path of isFolder ? yamlFilesIn(confPath) : [confPath]) {
    // The read of a pipe may never end. PEACH_CONF itself may name a pipe.
    const special = isFolder ? specialKind(path) : null;
    const text = special === null ? readText(path) : null;
    const source = { path: displayPath(path), text: text ?? "" };
    sources.push(source);
    const file = text === null ? null : loadFile(source, report);
    if (special !== null) reportSpecial(source, special, report);
    else if (text === null) reportUnreadable(source, report, hints);
    if (file === null) readable = false;
    else if (file !== "empty") files.push(file);
  }
  const paths = sources.map(({ path }) => path);
  const [first, ...others] = files;
  if (readable && first === undefined) reportEmpty(displayPath(confPath), sources, report, hints);
  if (!readable || first === undefined) return { paths, files: null };
  return { paths, files: [first, ...others] };
}

/** Tests if a path is a folder. A path that does not exist is none. */
function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Names the kind of a special file, behind a link as well; null for a regular file. */
function specialKind(path: string): string | null {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isFIFO() === true) return "a named pipe";
  if (stats?.isSocket() === true) return "a socket";
  return stats?.isFile() === false ? "a device" : null;
}

/**
 * Lists the YAML files of a folder and its subfolders, sorted by path. Links are followed, but not
 * to one of the folders above, which would never end.
 */
function yamlFilesIn(folder: string, above: readonly string[] = []): string[] {
  const own = realpathSync(folder);
  if (above.includes(own)) return [];
  const names = readdirSync(folder).filter((name) => !name.startsWith("."));
  return names.toSorted().flatMap((name) => {
    const path = join(folder, name);
    if (isDirectory(path)) return yamlFilesIn(path, [...above, own]);
    return /\.ya?ml$/.test(name) ? [path] : [];
  });
}

/** Reports a file that does not exist or that the user may not read. */
function reportUnreadable(
  source: SourceFile,
  report: Report,
  { unreadable: hint }: ReadHints,
): void {
  report("PEACH001", { source, start: 0, end: 0 }, "this file cannot be read", { hint });
}

/** Reports a special file of a folder. */
function reportSpecial(source: SourceFile, kind: string, report: Report): void {
  report("PEACH001", { source, start: 0, end: 0 }, `this is ${kind}, and no file to read`, {
    hint: "move it out of the folder: every *.yaml and *.yml there is read",
  });
}

/** Reports files without any key, at the first file, or a folder without files. */
function reportEmpty(
  path: string,
  [first]: readonly SourceFile[],
  report: Report,
  { empty: hint }: ReadHints,
): void {
  const source = first ?? { path, text: "" };
  report(
    "PEACH002",
    { source, start: 0, end: 0 },
    first === undefined ? "the folder holds no *.yaml or *.yml file" : "the file is empty",
    { hint },
  );
}
