/** Runs vitest as a process and counts the results, also when vitest itself breaks. */
import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { constants, getPriority, setPriority, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import * as z from "zod";
import { sumOf, type TestCounts } from "./test-summary.ts";

const VITEST = resolve(import.meta.dirname, "../node_modules/vitest/vitest.mjs");
const SUMMARY = z.strictObject({ passed: z.number(), failed: z.number(), skipped: z.number() });

/** The step in priority below the end-to-end tests, which mostly wait. */
const LESS = 5;

/** The output: to this terminal, discarded, or to this terminal once the promise resolves. */
type Output = "inherit" | "ignore" | { readonly after: Promise<unknown> };

/** Runs a Node program. Returns the exit code, or 1 after a signal. */
function runNode(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  output: Output,
  isLowered = false,
): Promise<number> {
  return new Promise((done, fail) => {
    const stdio: StdioOptions = typeof output === "string" ? output : ["inherit", "pipe", "pipe"];
    const child = spawn(process.execPath, args, { stdio, env: { ...process.env, ...env } });
    if (isLowered && child.pid !== undefined) lowerPriority(child.pid);
    if (typeof output !== "string") void showAfter(output.after, child);
    child.once("error", fail);
    child.once("close", (code) => done(code ?? 1));
  });
}

/** Lowers the priority of a process and of its future children. */
function lowerPriority(pid: number): void {
  try {
    setPriority(pid, Math.min(getPriority() + LESS, constants.priority.PRIORITY_LOW));
  } catch {
    // The process has ended already.
  }
}

/** Holds the output of a process back until the promise resolves. */
async function showAfter(
  shown: Promise<unknown>,
  { stdout, stderr }: Pick<ChildProcess, "stdout" | "stderr">,
): Promise<void> {
  const held: [NodeJS.WriteStream, Buffer][] = [];
  let isShown = false;
  const outputs = [
    [stdout, process.stdout],
    [stderr, process.stderr],
  ] as const;
  for (const [from, to] of outputs)
    from?.on("data", (chunk: Buffer) => void (isShown ? to.write(chunk) : held.push([to, chunk])));
  await shown;
  isShown = true;
  for (const [to, chunk] of held) to.write(chunk);
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
  output: Output,
  env: NodeJS.ProcessEnv = {},
  isLowered = false,
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
      output,
      isLowered,
    );
    const counts = readSummary(path) ?? { passed: 0, failed: 0, skipped: 0 };
    // vitest failed without a failing test: it found no tests, or broke.
    return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Runs all projects. The end-to-end tests mostly wait, so the other projects run beside the
 * end-to-end tests, at a lower priority. The output of the end-to-end tests comes last.
 */
export async function runAllProjects(env: NodeJS.ProcessEnv): Promise<TestCounts> {
  const computing = runVitest(["--project=unit", "--project=workers"], "inherit", env, true);
  const colors = process.stdout.isTTY ? { FORCE_COLOR: "1" } : {};
  const waiting = runVitest(["--project=e2e"], { after: computing }, { ...env, ...colors });
  return sumOf(await Promise.all([computing, waiting]));
}

/** Runs vitest in watch mode on this terminal until the user ends it. Returns its exit code. */
export function watchVitest(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  return runNode([VITEST, "watch", ...args], env, "inherit");
}
