/**
 * Compiles the project for tests, unless all inputs are unchanged. This saves half a second per run
 * of a test file.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { projectPaths } from "../src/compiler/project-paths.ts";

const ROOT = resolve(import.meta.dirname, "..");
/** Inputs that affect every compilation. */
const COMPILER = ["src", "package-lock.json"];
const STAMP = ".compiled";

/**
 * Compiles the project of PEACH_CONF and PEACH_PIPELINES into a folder. Returns false after a
 * failure, which is reported on stderr.
 */
export function compileForTests(outDir: string, env: NodeJS.ProcessEnv): boolean {
  const stamp = join(outDir, STAMP);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === stateOf(outDir, env)) return true;
  const { status } = spawnSync(
    process.execPath,
    [join(ROOT, "src/cli/bin/compile.ts"), "--out", outDir],
    {
      cwd: ROOT,
      env,
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  if (status !== 0) return false;
  writeFileSync(stamp, stateOf(outDir, env));
  return true;
}

/** Lists names, times and sizes of inputs and outputs. */
function stateOf(outDir: string, env: NodeJS.ProcessEnv): string {
  const { confPath, pipelinesDir, wranglerPath } = projectPaths(env, ROOT);
  const roots = [
    confPath,
    pipelinesDir,
    wranglerPath,
    outDir,
    ...COMPILER.map((path) => join(ROOT, path)),
  ];
  const hash = createHash("sha256");
  for (const path of roots.flatMap(filesUnder)) {
    const { mtimeMs, size } = statSync(path);
    hash.update(`${path}\0${mtimeMs}\0${size}\n`);
  }
  return hash.digest("hex");
}

function filesUnder(path: string): string[] {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== STAMP)
    .map(({ parentPath, name }) => join(parentPath, name))
    .toSorted();
}
