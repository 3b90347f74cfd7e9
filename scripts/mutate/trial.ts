/**
 * Runs tests against the changes of some files, and collects the changes that each test notices.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import * as z from "zod";
import { type Mutant, nameOf } from "./mutants.ts";

const names = z.array(z.string());
const LINE = z.object({
  file: z.string(),
  title: z.string(),
  reached: names,
  noticed: names,
  fails: z.enum(["always", "afterwards"]).optional(),
});

/**
 * The maximum number of runtimes for a file. After a failure that leaves state behind, the
 * remaining changes move to a new runtime.
 */
const ROUNDS = 4;
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
  const noticed = new Map<string, string>();
  const reached = new Set<string>();
  const failing = new Set<string>();
  let paths = tests;
  for (let round = 1; round <= ROUNDS && paths.length > 0 && Date.now() < until; round += 1) {
    const left = mutants.filter((mutant) => !noticed.has(nameOf(mutant)));
    const spoilt = new Set<string>();
    for (const line of await runTests(left, paths, until)) {
      for (const name of line.reached) reached.add(name);
      for (const name of line.noticed) noticed.set(name, `${line.file}: ${line.title}`);
      if (line.fails === "always") failing.add(`${line.file}: ${line.title}`);
      if (line.fails === "afterwards") spoilt.add(line.file);
    }
    paths = [...spoilt];
  }
  return { noticed, reached, hasEnded: Date.now() < until, failing: [...failing] };
}

async function runTests(
  mutants: readonly Mutant[],
  tests: readonly string[],
  until: number,
): Promise<readonly z.infer<typeof LINE>[]> {
  const folder = mkdtempSync(join(tmpdir(), "peach-mutate-"));
  try {
    const [order, report] = [join(folder, "order.json"), join(folder, "report.jsonl")];
    const files = [...new Set(mutants.map(({ file }) => file))];
    writeFileSync(order, JSON.stringify({ files, mutants: mutants.map(nameOf), report }));
    const vitest = resolve(import.meta.dirname, "../../node_modules/vitest/vitest.mjs");
    const args = [
      vitest,
      "run",
      "--config",
      "test/mutation/changed.config.ts",
      "--project",
      "unit",
      "--project",
      "workers",
    ];
    const child = spawn(process.execPath, [...args, ...tests], {
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
      env: { ...process.env, PEACH_MUTATION: order },
    });
    let complaint = "";
    child.stderr.on(
      "data",
      (chunk: Buffer) => (complaint = `${complaint}${chunk.toString()}`.slice(-MOST_COMPLAINT)),
    );
    await endOf(child, until);
    const text = existsSync(report) ? readFileSync(report, "utf8") : "";
    const lines = text.split("\n").filter((line) => line !== "");
    if (lines.length === 0 && Date.now() < until) throw new Error(`no test was run:\n${complaint}`);
    return lines.map((line) => LINE.parse(JSON.parse(line)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Waits until the process has ended. Kills the process and the children after the time limit, and
 * at the end of this process.
 */
async function endOf(child: ChildProcess, until: number): Promise<void> {
  const kill = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  };
  const killAndEnd = (): void => {
    kill();
    process.exit(1);
  };
  const timer = setTimeout(kill, Math.min(until - Date.now(), 2 ** 31 - 1));
  for (const signal of SIGNALS) process.once(signal, killAndEnd);
  await new Promise<void>((ended, failed) => {
    child.once("error", failed);
    child.once("close", () => ended());
  });
  for (const signal of SIGNALS) process.off(signal, killAndEnd);
  clearTimeout(timer);
}
