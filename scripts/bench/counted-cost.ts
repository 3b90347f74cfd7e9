/**
 * The counted cost of a run, taken from the budget test: rows, calls, messages and R2 operations
 * are counted in the workers pool, where the runtime's prototypes can be wrapped. The bench runs
 * this test and reads its counts.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as z from "zod";
import { PROJECT_FOLDER } from "../../src/local/build.ts";

const BUDGET_TEST = "test/objects/run/budget.test.ts";
const LIMIT_MS = 120_000;

const COUNTED = z.object({
  tasks: z.number(),
  operations: z.object({
    rowsWritten: z.number(),
    objectRequests: z.number(),
    queueOperations: z.number(),
    workerRequests: z.number(),
    r2ClassA: z.number(),
    r2ClassB: z.number(),
  }),
  dollarsPerMillionTasks: z.number(),
});

/** The cost of a 4-task diamond with 1 KB payloads. */
export type CountedCost = z.infer<typeof COUNTED>;

const REPORT = z.object({
  testResults: z.array(
    z.object({
      assertionResults: z.array(z.object({ meta: z.object({ cost: COUNTED.optional() }) })),
    }),
  ),
});

/** Counts one run. Rejects with the test's output if no counts were written. */
export async function countCost(signal: AbortSignal): Promise<CountedCost> {
  const folder = mkdtempSync(join(tmpdir(), "peach-bench-cost-"));
  try {
    const file = join(folder, "report.json");
    const output = await runBudgetTest(file, signal);
    const report = REPORT.safeParse(readJson(file));
    const cost = report.data?.testResults.flatMap(({ assertionResults }) =>
      assertionResults.flatMap(({ meta }) => meta.cost ?? []),
    )[0];
    if (cost === undefined)
      throw new Error(`${BUDGET_TEST} has counted nothing:\n${output.slice(-2_000)}`);
    return cost;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The output of the test, passed or failed: a test that exceeds its budget has counted too. */
function runBudgetTest(file: string, signal: AbortSignal): Promise<string> {
  const require = createRequire(import.meta.url);
  const vitest = join(dirname(require.resolve("vitest/package.json")), "vitest.mjs");
  const args = [
    vitest,
    "run",
    "--project",
    "workers",
    BUDGET_TEST,
    "--reporter=json",
    `--outputFile=${file}`,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: PROJECT_FOLDER,
      signal: AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]),
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.once("error", reject);
    child.once("close", () => resolve(output));
  });
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    // The file was never written.
    return null;
  }
}
