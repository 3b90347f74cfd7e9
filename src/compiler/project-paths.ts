/**
 * The two roots of every command. The package root holds Peach's own files: the built dashboard,
 * the worker, the packages that it needs. The project root holds the user's: peach.conf,
 * wrangler.toml, src/pipelines. In a clone of Peach they are one folder.
 */
import { existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import process from "node:process";

/** The files of a project, as absolute paths. */
export interface ProjectPaths {
  /** The user's folder, which holds wrangler.toml. */
  readonly projectRoot: string;
  /** The file or folder that is compiled, usually peach.conf. */
  readonly confPath: string;
  /** The folder that is searched for exported methods. */
  readonly pipelinesDir: string;
  readonly wranglerPath: string;
}

/** The folder of Peach's package.json: a clone, or `node_modules/peach` of a project. */
export const PACKAGE_ROOT = packageRootAbove(import.meta.dirname);

/** True in a clone of Peach, whose TypeScript runs as it is; false in an installed package. */
export const IS_CLONE = existsSync(join(PACKAGE_ROOT, "src", "worker", "worker.ts"));

/** The export condition of package.json by which a clone finds its own source. */
export const SOURCE_CONDITION = "peach-source";

/** The files by which a folder is known as a project. */
const MARKS = ["wrangler.toml", "peach.conf", "peach.conf.example"];

/**
 * Finds the project of a folder: the nearest folder above, or this one, with one of `MARKS`.
 * Without any it is the clone itself, or the folder in an installed package.
 */
export function findProjectRoot(cwd = process.cwd()): string {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    if (MARKS.some((name) => existsSync(join(folder, name)))) return folder;
    if (folder === dirname(folder)) return IS_CLONE ? PACKAGE_ROOT : resolve(cwd);
  }
}

/**
 * Finds the files of a command. `PEACH_CONF` and `PEACH_PIPELINES` choose different ones, relative
 * to `cwd`. Without `peach.conf` the file is `peach.conf.example`: a fresh clone works without
 * further steps.
 */
export function projectPaths(
  env: Readonly<Record<string, string | undefined>>,
  projectRoot: string,
  cwd = projectRoot,
): ProjectPaths {
  const { PEACH_CONF: conf = "", PEACH_PIPELINES: pipelines = "" } = env;
  const own = join(projectRoot, "peach.conf");
  const fallback = join(projectRoot, "peach.conf.example");
  return {
    projectRoot,
    confPath:
      conf === ""
        ? existsSync(own)
          ? own
          : existsSync(fallback)
            ? fallback
            : own
        : resolve(cwd, conf),
    pipelinesDir:
      pipelines === "" ? join(projectRoot, "src", "pipelines") : resolve(cwd, pipelines),
    wranglerPath: join(projectRoot, "wrangler.toml"),
  };
}

/** Shortens a path for display: relative to the current folder, or absolute outside of it. */
export function displayPath(file: string): string {
  const path = relative("", file);
  return path.startsWith("..") || path === "" ? file : path;
}

/** Finds the nearest folder with a package.json: source and built files lie at different depths. */
function packageRootAbove(folder: string): string {
  if (existsSync(join(folder, "package.json"))) return folder;
  const above = dirname(folder);
  if (above === folder) throw new Error("Peach's own package.json is missing: install it again");
  return packageRootAbove(above);
}
