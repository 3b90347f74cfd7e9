/**
 * Reads peach.conf from the disk: a file, or a folder whose `*.yaml` and `*.yml` are read as one,
 * also those in its subfolders. Files are read in the order of their paths. Names that begin with a
 * dot are passed over, as editors and version control leave such files behind.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { joinConfFiles } from "./conf-folder.ts";
import type { Report } from "./diagnostic.ts";
import { type ConfFile, type LoadedConf, loadFile } from "./load.ts";
import { displayPath } from "./project-paths.ts";
import { readText } from "./read-file.ts";
import type { SourceFile } from "./source.ts";

/** What was read of peach.conf. */
export interface ReadConf {
  /** The paths of its files as diagnostics show them, in the order in which they are read. */
  readonly files: readonly string[];
  /** Null if nothing could be read or a file is no YAML, which is reported. */
  readonly loaded: LoadedConf | null;
}

/** Reads and parses peach.conf. Reports every file that cannot be read or parsed. */
export function readConf(confPath: string, report: Report): ReadConf {
  const isFolder = statSync(confPath, { throwIfNoEntry: false })?.isDirectory() === true;
  const paths = isFolder ? yamlFilesIn(confPath) : [confPath];
  const files: ConfFile[] = [];
  const sources: SourceFile[] = [];
  let readable = true;
  for (const path of paths) {
    const text = readText(path);
    const source = { path: displayPath(path), text: text ?? "" };
    sources.push(source);
    const file = text === null ? null : loadFile(source, report);
    if (text === null) reportUnreadable(source, report);
    if (file === null) readable = false;
    else if (file !== "empty") files.push(file);
  }
  const names = sources.map(({ path }) => path);
  if (!readable) return { files: names, loaded: null };
  const [first, ...others] = files;
  if (first === undefined) {
    reportEmpty(displayPath(confPath), sources, report);
    return { files: names, loaded: null };
  }
  return {
    files: names,
    loaded: isFolder ? joinConfFiles([first, ...others], report) : first,
  };
}

/** Lists the YAML files of a folder and its subfolders, sorted by path. */
function yamlFilesIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !name.startsWith("."))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return yamlFilesIn(path);
    return /\.ya?ml$/.test(entry.name) ? [path] : [];
  });
}

function reportUnreadable(source: SourceFile, report: Report): void {
  report({ source, start: 0, end: 0 }, "this file cannot be read", {
    hint: "PEACH_CONF names the file or folder; without it peach.conf is used, else peach.conf.example",
  });
}

/** Reports that no file has any key, at the first file, or at a folder without files. */
function reportEmpty(path: string, [first]: readonly SourceFile[], report: Report): void {
  const source = first ?? { path, text: "" };
  report(
    { source, start: 0, end: 0 },
    first === undefined ? "the folder holds no *.yaml or *.yml file" : "the file is empty",
    { hint: "it needs at least one task or endpoint; peach.conf.example is a complete one" },
  );
}
