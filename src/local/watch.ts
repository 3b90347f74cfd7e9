import { readdirSync, watch } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import type { ProjectPaths } from "../compiler/project-paths.ts";

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
  const endings = [
    watchNames(
      repoRoot,
      ["peach.conf", "peach.conf.example", "wrangler.toml", ".dev.vars"],
      changed,
    ),
    watchNames(dirname(confPath), [basename(confPath)], changed),
    watchSources(sources, changed),
    ...(relative(sources, pipelinesDir).startsWith("..")
      ? [watchSources(pipelinesDir, changed)]
      : []),
  ];
  return () => {
    clearTimeout(timer);
    for (const end of endings) end();
  };
}

// Folders are watched, not files: an editor replaces a file, and the watch of the old one would see nothing any more. For the
// same reason folder by folder: Node's own recursive watch loses files that are replaced.

function watchNames(folder: string, names: readonly string[], changed: () => void): () => void {
  const watcher = watch(folder, (_event, name) => {
    if (name !== null && names.includes(name)) changed();
  });
  return () => watcher.close();
}

/** Watches a folder and all folders in it, also those that appear. */
function watchSources(root: string, changed: () => void): () => void {
  const watchers = new Map<string, () => void>();
  const follow = (): void => {
    const present = new Set(foldersIn(root));
    for (const [folder, end] of watchers)
      if (!present.has(folder) && watchers.delete(folder)) end();
    for (const folder of present) {
      if (watchers.has(folder)) continue;
      const watcher = watch(folder, () => {
        follow();
        changed();
      });
      // A folder that is deleted: the watch of the one above tells.
      watcher.on("error", () => watcher.close());
      watchers.set(folder, () => watcher.close());
    }
  };
  follow();
  return () => {
    for (const end of watchers.values()) end();
  };
}

/** This folder and those below it; not what is generated, which follows from the rest, nor packages. */
function foldersIn(root: string): string[] {
  try {
    const below = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const names = below
      .map((entry) => entry.name)
      .filter((name) => name !== "generated" && name !== "node_modules");
    return [root, ...names.flatMap((name) => foldersIn(join(root, name)))];
  } catch {
    // It has just been deleted.
    return [];
  }
}
