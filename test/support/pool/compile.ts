/** Compiles the pool's peach.conf before its tests: the worker under test runs these tasks, not the user's. */
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";

const POOL = import.meta.dirname;

/** Vitest's global setup. Throws with the compiler's report if peach.conf is wrong. */
export function setup(): void {
  execFileSync(process.execPath, ["scripts/compile.ts", "--out", resolve(POOL, "generated")], {
    cwd: resolve(POOL, "../../.."),
    env: { ...process.env, PEACH_CONF: resolve(POOL, "peach.conf"), PEACH_PIPELINES: resolve(POOL, "pipelines") },
    stdio: ["ignore", "ignore", "inherit"],
  });
}
