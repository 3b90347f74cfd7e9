/** Compiles the pool's peach.conf before its tests: the worker under test runs these tasks, not the user's. */
import { resolve } from "node:path";
import { compileForTests } from "../../../scripts/test-compile.ts";

const POOL = import.meta.dirname;

/** Vitest's global setup. Throws, after the compiler's report, if peach.conf is wrong. */
export function setup(): void {
  const chosen = { PEACH_CONF: resolve(POOL, "peach.conf"), PEACH_PIPELINES: resolve(POOL, "pipelines") };
  if (!compileForTests(resolve(POOL, "generated"), { ...process.env, ...chosen })) {
    throw new Error("The pool's peach.conf does not compile.");
  }
}
