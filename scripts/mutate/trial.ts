/**
 * Runs tests against the changes of some files, and collects the changes that each test notices.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Mutant, nameOf } from "./mutants.ts";
import { Progress } from "./progress.ts";

/**
 * The maximum number of runs. Changes remain after a failure that leaves state behind, after an
 * endless test, and after a slow test.
 */
const MOST_RUNS = 12;
/** The interval between two reads of a run's report, in milliseconds. */
const LOOK_MS = 1_000;
/** The maximum length of the test runner's error output, in characters. */
const MOST_COMPLAINT = 4_000;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface Trial {
  /** The test that noticed a change, by the change's name. */
  readonly noticed: ReadonlyMap<string, string>;
  /** Names of the changes whose code a test reached. */
  readonly reached: ReadonlySet<string>;
  /** True if all tests have run. */
  readonly hasEnded: boolean;
  /** Tests that fail without any change, and so can notice none. */
  readonly failing: readonly string[];
}

/**
 * Runs the tests below these paths against these changes. Ends at `until` (milliseconds since 1970)
 * with the results so far.
 */
export async function tryOut(
  mutants: readonly Mutant[],
  tests: readonly string[],
  until: number,
): Promise<Trial> {
  const progress = new Progress(mutants.map(nameOf));
  let hasEnded = false;
  for (let run = 1; run <= MOST_RUNS && !hasEnded && Date.now() < until; run += 1)
    hasEnded = await runTests(mutants, tests, progress, until);
  const { noticed, reached, failing } = progress;
  return { noticed, reached, hasEnded, failing: [...failing] };
}

/** Runs the tests once. Returns true if no change remains for another run. */
async function runTests(
  mutants: readonly Mutant[],
  tests: readonly string[],
  progress: Progress,
  until: number,
): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "peach-mutate-"));
  try {
    const [order, report] = [join(folder, "order.json"), join(folder, "report.jsonl")];
    const left = mutants.filter((mutant) => !progress.noticed.has(nameOf(mutant)));
    if (left.length === 0) return true;
    const files = [...new Set(left.map(({ file }) => file))];
    const { ended, untried } = progress;
    const content = { files, mutants: left.map(nameOf), report, ended: [...ended], untried };
    writeFileSync(order, JSON.stringify(content));
    const vitest = resolve(import.meta.dirname, "../../node_modules/vitest/vitest.mjs");
    const options = ["--config", "test/mutation/changed.config.ts"];
    const projects = ["--project", "unit", "--project", "workers"];
    const child = spawn(process.execPath, [vitest, "run", ...options, ...projects, ...tests], {
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
      env: { ...process.env, PEACH_MUTATION: order },
    });
    let complaint = "";
    child.stderr.on(
      "data",
      (chunk: Buffer) => (complaint = `${complaint}${chunk.toString()}`.slice(-MOST_COMPLAINT)),
    );
    let count = 0;
    const read = (): void => {
      const text = existsSync(report) ? readFileSync(report, "utf8") : "";
      // The last line may be incomplete.
      const lines = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
      for (const line of lines.slice(count, -1)) progress.add(line, Date.now());
      count = Math.max(count, lines.length - 1);
    };
    const hasStopped = (): boolean => {
      read();
      return progress.giveUp(Date.now());
    };
    const isWhole = await endOf(child, until, hasStopped);
    read();
    if (count === 0 && Date.now() < until) throw new Error(`no test was run:\n${complaint}`);
    return progress.nextRun() && isWhole;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Waits until the process has ended. Kills the process and the children after the time limit, after
 * a stop, and at the end of this process. Returns true if the process ended without a kill.
 */
async function endOf(
  child: ChildProcess,
  until: number,
  hasStopped: () => boolean,
): Promise<boolean> {
  let isKilled = false;
  const kill = (): void => {
    if (isKilled || child.pid === undefined) return;
    isKilled = true;
    process.kill(-child.pid, "SIGKILL");
  };
  const killAndEnd = (): void => {
    kill();
    process.exit(1);
  };
  const timer = setInterval(() => {
    if (Date.now() >= until || hasStopped()) kill();
  }, LOOK_MS);
  for (const signal of SIGNALS) process.once(signal, killAndEnd);
  await new Promise<void>((ended, failed) => {
    child.once("error", failed);
    child.once("close", () => ended());
  });
  for (const signal of SIGNALS) process.off(signal, killAndEnd);
  clearInterval(timer);
  return !isKilled;
}
