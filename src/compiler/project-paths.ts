import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";

/** The files of a project, all absolute. */
export interface ProjectPaths {
  readonly repoRoot: string;
  readonly confPath: string;
  readonly pipelinesDir: string;
  readonly wranglerPath: string;
}

/**
 * The files that a command works on. `PEACH_CONF` and `PEACH_PIPELINES` (from `cwd`) choose others; without `peach.conf`, it is
 * `peach.conf.example`, so that everything works out of the box.
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

/** A file as people write it: relative to where they are, unless it is elsewhere. */
export function displayPath(file: string): string {
  const path = relative("", file);
  return path.startsWith("..") || path === "" ? file : path;
}
