import { existsSync, watch, type FSWatcher } from "node:fs";
import { basename, dirname } from "node:path";
import type { ProjectPaths } from "../../src/conf/project-paths.ts";

/** Editors save in several steps: the last one counts. */
const SETTLE_MS = 150;

/**
 * Calls back, once for a burst, when a file changes that decides what runs: peach.conf (also one that appears), a pipeline,
 * wrangler.toml, .dev.vars. Returns what ends the watching.
 */
export function watchProject({ confPath, pipelinesDir, repoRoot }: ProjectPaths, onChange: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const changed = (): void => {
    clearTimeout(timer);
    timer = setTimeout(onChange, SETTLE_MS);
  };
  // Folders, not files: an editor replaces a file, and the watch of the old one would see nothing any more.
  const watchers: FSWatcher[] = [
    watchNames(repoRoot, ["peach.conf", "peach.conf.example", "wrangler.toml", ".dev.vars"], changed),
    watchNames(dirname(confPath), [basename(confPath)], changed),
  ];
  if (existsSync(pipelinesDir)) {
    watchers.push(
      watch(pipelinesDir, { recursive: true }, (_event, name) => name?.endsWith(".ts") === true && changed()),
    );
  }
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
