import { watch, type FSWatcher } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import type { ProjectPaths } from "../../src/conf/project-paths.ts";

/** Editors save in several steps: the last one counts. */
const SETTLE_MS = 150;

/**
 * Calls back, once for a burst and never while a call is at work, when a file changes that decides what runs: peach.conf (also
 * one that appears), a source, wrangler.toml, .dev.vars. Returns what ends the watching.
 */
export function watchProject(
  { confPath, pipelinesDir, repoRoot }: ProjectPaths,
  onChange: () => Promise<void>,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  let last = Promise.resolve();
  const changed = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      last = last.then(onChange);
    }, SETTLE_MS);
  };
  const sources = join(repoRoot, "src");
  // Folders, not files: an editor replaces a file, and the watch of the old one would see nothing any more.
  const watchers: FSWatcher[] = [
    watchNames(repoRoot, ["peach.conf", "peach.conf.example", "wrangler.toml", ".dev.vars"], changed),
    watchNames(dirname(confPath), [basename(confPath)], changed),
    watchSources(sources, changed),
    ...(relative(sources, pipelinesDir).startsWith("..") ? [watchSources(pipelinesDir, changed)] : []),
  ];
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}

function watchNames(folder: string, names: readonly string[], changed: () => void): FSWatcher {
  return watch(folder, (_event, name) => {
    if (name !== null && names.includes(name)) changed();
  });
}

function watchSources(folder: string, changed: () => void): FSWatcher {
  return watch(folder, { recursive: true }, (_event, name) => {
    // What we generate follows from the rest.
    if (name !== null && !name.startsWith("generated")) changed();
  });
}
