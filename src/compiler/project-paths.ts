import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";

/** The files of a project, as absolute paths. */
export interface ProjectPaths {
  /** The root of the repository, which holds package.json. */
  readonly repoRoot: string;
  /** The file or folder that is compiled, usually peach.conf. */
  readonly confPath: string;
  /** The folder that is searched for exported methods. */
  readonly pipelinesDir: string;
  readonly wranglerPath: string;
}

/**
 * Finds the files of a command. `PEACH_CONF` and `PEACH_PIPELINES` choose different ones, relative
 * to `cwd`. Without `peach.conf` the file is `peach.conf.example`: a fresh clone works without
 * further steps.
 */
export function projectPaths(
  env: Readonly<Record<string, string | undefined>>,
  repoRoot: string,
  cwd = repoRoot,
): ProjectPaths {
  const { PEACH_CONF: conf = "", PEACH_PIPELINES: pipelines = "" } = env;
  const own = join(repoRoot, "peach.conf");
  const fallback = join(repoRoot, "peach.conf.example");
  return {
    repoRoot,
    confPath:
      conf === ""
        ? existsSync(own)
          ? own
          : existsSync(fallback)
            ? fallback
            : own
        : resolve(cwd, conf),
    pipelinesDir: pipelines === "" ? join(repoRoot, "src", "pipelines") : resolve(cwd, pipelines),
    wranglerPath: join(repoRoot, "wrangler.toml"),
  };
}

/** Shortens a path for display: relative to the current folder, or absolute outside of it. */
export function displayPath(file: string): string {
  const path = relative("", file);
  return path.startsWith("..") || path === "" ? file : path;
}
