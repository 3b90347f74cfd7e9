/**
 * Writes the positions of the project's own files into the bundle of the local runtime, which then
 * shows stacks of errors with them (src/http/local/own-stacks.ts).
 */
import { realpathSync } from "node:fs";
import { dirname, relative, resolve, sep } from "node:path";
import { OWN_SOURCES, type OwnSources } from "../contract/own-sources.ts";
import type { Bundle } from "./bundle.ts";
import { parseSourceMap, segmentsOf } from "./source-map.ts";

/** The folders that decide which files are the project's own, absolute. */
export interface OwnFolders {
  /** The folders of Peach's own files. Only those in `pipelines` are the project's there. */
  readonly peach: readonly string[];
  /** The folder of package.json. */
  readonly project: string;
  /** The folder of peach.conf, which may be outside the project. */
  readonly conf: string;
  /** The folder of the methods, which may be outside the project. */
  readonly pipelines: string;
}

/** Puts the positions of the project's files in the place that the bundle has for them. */
export function withOwnSources(
  bundle: Bundle,
  mapFolder: string,
  folders: OwnFolders,
): Bundle & { readonly sources: OwnSources } {
  const place = JSON.stringify(OWN_SOURCES);
  const sources = ownSourcesOf(bundle, mapFolder, folders);
  const json = JSON.stringify(JSON.stringify(sources));
  // The place is a single line: all further lines of the bundle stay in place.
  return { ...bundle, text: bundle.text.replace(place, () => json), sources };
}

/**
 * Collects the positions of the project's files. `mapFolder`: what the map's paths begin at.
 *
 * Peach's own files are left out: their positions are thirty times as many, and whoever works on
 * Peach finds them by the map beside the bundle.
 */
export function ownSourcesOf(
  { text, sourceMap }: Bundle,
  mapFolder: string,
  folders: OwnFolders,
): OwnSources {
  const map = parseSourceMap(sourceMap);
  const show = ownPaths(folders);
  const shown = map.sources.map((path) => show(resolve(mapFolder, path)));
  const sources = shown.filter((path) => path !== null);
  const indexes = shown.map((path) => (path === null ? -1 : sources.indexOf(path)));
  const bundleLines = text.split("\n");
  const lines: Record<string, number[]> = {};
  const names: Record<string, string> = {};
  for (const { line, column, source, sourceLine, sourceColumn, name } of segmentsOf(map.mappings)) {
    const index = indexes[source] ?? -1;
    if (index === -1) continue;
    (lines[line] ??= []).push(column, index, sourceLine, sourceColumn);
    const original = name === null ? undefined : map.names[name];
    // A stack names functions as the bundle does, where two of one name cannot be.
    const [written] = /^[\w$]+/.exec(bundleLines[line - 1]?.slice(column) ?? "") ?? [];
    if (original !== undefined && written !== undefined) names[written] = original;
  }
  return { sources, lines, names };
}

/** Makes the function that shows the path of a file of the project, and null for any other file. */
function ownPaths(folders: OwnFolders): (path: string) => string | null {
  const [project, conf, pipelines] = [
    real(folders.project),
    real(folders.conf),
    real(folders.pipelines),
  ];
  const peach = folders.peach.map(real);
  // The first folder that holds the file: paths look as in an editor of the project.
  const bases = [project, conf, dirname(pipelines)];
  return (path) => {
    const isOwn =
      isBelow(path, pipelines) ||
      ([project, conf].some((folder) => isBelow(path, folder)) &&
        !peach.some((folder) => isBelow(path, folder)));
    if (!isOwn || path.includes(`${sep}node_modules${sep}`)) return null;
    const base = bases.find((folder) => isBelow(path, folder)) ?? dirname(path);
    return relative(base, path).split(sep).join("/");
  };
}

/** Tests if a path lies inside a folder. */
function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder + sep);
}

/** The folder without symbolic links, as the bundler names it. */
function real(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}
