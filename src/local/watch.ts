import { existsSync, readdirSync, watch } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import type { ProjectPaths } from "../compiler/project-paths.ts";

/** The delay after a change. Editors save in several steps, and the last one counts. */
const SETTLE_MS = 150;

/** The files that decide where the imports of sources lead. */
const CONFIGURATION = ["package.json", "tsconfig.json"];

/**
 * Calls back when a file changes that the runtime depends on: peach.conf (also a new one), a
 * source, wrangler.toml, .dev.vars, package.json or tsconfig.json. A burst of changes is a single
 * call, and calls do not overlap. Returns a function that ends the watch.
 */
export function watchProject(
  { confPath, pipelinesDir, projectRoot }: ProjectPaths,
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
  const sources = join(projectRoot, "src");
  // peach.conf may be a folder, or become one.
  const confFolder = watchSources(confPath, changed);
  const endings = [
    watchNames(
      projectRoot,
      [...CONFIGURATION, "peach.conf", "peach.conf.example", "wrangler.toml", ".dev.vars"],
      changed,
    ),
    watchNames(dirname(confPath), [basename(confPath)], () => {
      confFolder.follow();
      changed();
    }),
    confFolder.end,
    watchSources(sources, changed).end,
    ...(relative(sources, pipelinesDir).startsWith("..")
      ? [watchSources(pipelinesDir, changed).end]
      : []),
  ];
  return () => {
    clearTimeout(timer);
    for (const end of endings) end();
  };
}

// Folders are watched and not files: an editor replaces a file, and a watch of the old file would
// see nothing more. Folders are watched one by one, since Node's recursive watch loses replaced
// files.

/** Watches files by their names. An absent folder is not watched: the build reports the folder. */
function watchNames(folder: string, names: readonly string[], changed: () => void): () => void {
  if (!existsSync(folder)) return () => {};
  const watcher = watch(folder, (_event, name) => {
    if (name !== null && names.includes(name)) changed();
  });
  return () => watcher.close();
}

/**
 * Watches a folder and its subfolders, including new ones. `follow` starts the watch of a folder
 * that was not there before.
 */
function watchSources(
  root: string,
  changed: () => void,
): { readonly follow: () => void; readonly end: () => void } {
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
      // The folder was deleted: the watch of its parent reports it.
      watcher.on("error", () => watcher.close());
      watchers.set(folder, () => watcher.close());
    }
  };
  follow();
  return {
    follow,
    end: () => {
      for (const end of watchers.values()) end();
    },
  };
}

/**
 * Lists a folder and its subfolders, without packages and generated folders, which follow from the
 * rest.
 */
function foldersIn(root: string): string[] {
  try {
    const below = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const names = below
      .map((entry) => entry.name)
      .filter((name) => name !== "generated" && name !== "node_modules");
    return [root, ...names.flatMap((name) => foldersIn(join(root, name)))];
  } catch {
    // The folder was just deleted.
    return [];
  }
}
