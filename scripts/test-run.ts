/** Runs vitest as a process and counts the results, also when vitest itself breaks. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import * as z from "zod";
import type { TestCounts } from "./test-summary.ts";

const VITEST = resolve(import.meta.dirname, "../node_modules/vitest/vitest.mjs");
const SUMMARY = z.strictObject({ passed: z.number(), failed: z.number(), skipped: z.number() });

/**
 * Runs a Node program, with or without this terminal. Returns its exit code, or 1 if a signal ended
 * it.
 */
function runNode(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  stdio: "inherit" | "ignore",
): Promise<number> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, args, { stdio, env: { ...process.env, ...env } });
    child.once("error", fail);
    child.once("close", (code) => done(code ?? 1));
  });
}

/** Reads the reporter's file; null if the run ended before it was written. */
function readSummary(path: string): TestCounts | null {
  try {
    return SUMMARY.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return null;
  }
}

/** Runs vitest with these arguments. `failed` is 0 only if vitest exits with 0 too. */
export async function runVitest(
  args: readonly string[],
  stdio: "inherit" | "ignore",
  env: NodeJS.ProcessEnv = {},
): Promise<TestCounts> {
  const folder = mkdtempSync(join(tmpdir(), "peach-test-"));
  try {
    const path = join(folder, "summary.json");
    const reporters = [
      "--reporter=default",
      `--reporter=${resolve(import.meta.dirname, "test-summary.ts")}`,
    ];
    const code = await runNode(
      [VITEST, "run", ...reporters, ...args],
      { ...env, PEACH_TEST_SUMMARY: path },
      stdio,
    );
    const counts = readSummary(path) ?? { passed: 0, failed: 0, skipped: 0 };
    // vitest failed without a failing test: it found no tests, or broke.
    return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs vitest in watch mode on this terminal until the user ends it. Returns its exit code. */
export function watchVitest(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  return runNode([VITEST, "watch", ...args], env, "inherit");
}
