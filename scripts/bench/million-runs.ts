/**
 * `npm run bench:lists`: time of lists and counts for a task with a million runs. The runs are
 * written straight into the store of the task's catalog while the runtime is down; the calls are
 * made over HTTP, as by any client.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { runIdFromBytes } from "../../src/domain/ids.ts";
import { parseOptions } from "../../src/local/arguments.ts";
import { startRuntime, type LocalRuntime } from "../../src/local/runtime.ts";
import { figureOf } from "./statistics.ts";

const USAGE = `usage: npm run bench:lists [-- --runs N] [-- --json]

Times GET /api/v1/runs and /runs/count on the local runtime, for one task that has N runs (default 1000000) of thirty days.

  --json   one JSON object: {runs, counted_first_ms, calls: [{what, first_ms, median_ms, max_ms}]}`;

const TASK = "busy";
const ROUNDS = 15;
const MONTH_MS = 30 * 86_400_000;
const PIPELINES = fileURLToPath(new URL("worker/pipelines", import.meta.url));

const LIST = z.object({
  runs: z.array(z.object({ run_id: z.string() })),
  next_cursor: z.string().nullable(),
});

/** Fills the store. One run in a thousand has failed, one in ten thousand came from a notebook. */
function fill(path: string, runs: number): void {
  const database = new DatabaseSync(path);
  const insert = database.prepare(
    `INSERT INTO runs (created_at, id, revision, status, source, changed_at, started_at, finished_at, forget_at, detail)
     VALUES (?, ?, 2, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const from = Date.now() - MONTH_MS + 3_600_000;
  const attempts = Object.fromEntries(
    ["a", "b", "c", "d"].map((task) => [task, { succeeded: 1, "2": 1, ms: 17 }]),
  );
  const detail = JSON.stringify({ by: "bench", attempts });
  database.exec("BEGIN");
  for (let number = 0; number < runs; number += 1) {
    const at = from + Math.floor((number / runs) * (MONTH_MS - 7_200_000));
    const bytes = new Uint8Array(16);
    new DataView(bytes.buffer).setUint32(0, Math.imul(number, 0x9e3779b1));
    new DataView(bytes.buffer).setUint32(4, number);
    const status = number % 1_000 === 7 ? "failed" : "succeeded";
    const source = number % 10_000 === 3 ? "lab" : "api";
    insert.run(
      at,
      runIdFromBytes(bytes),
      status,
      source,
      at + 80,
      at + 10,
      at + 80,
      at + MONTH_MS,
      detail,
    );
  }
  database.exec("COMMIT");
  database.close();
}

/** The database of the catalog object that has the task's one run. */
function catalogOf(stateFolder: string): string {
  const folder = join(stateFolder, "v3", "do", "peach-CatalogObject");
  for (const file of readdirSync(folder).filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name))) {
    const database = new DatabaseSync(join(folder, file));
    const runs = database
      .prepare("SELECT count(*) AS n FROM sqlite_master WHERE name = 'runs'")
      .get();
    database.close();
    if (runs?.["n"] === 1) return join(folder, file);
  }
  throw new Error(`no catalog in ${folder}`);
}

async function call(runtime: LocalRuntime, path: string, init: RequestInit = {}): Promise<unknown> {
  const headers = { Authorization: `Bearer ${runtime.token}`, "Content-Type": "application/json" };
  const answer = await fetch(`${runtime.url}/api/v1${path}`, { ...init, headers });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

async function untilListed(runtime: LocalRuntime): Promise<void> {
  const until = Date.now() + 20_000;
  while (Date.now() < until) {
    const { runs } = LIST.parse(await call(runtime, `/runs?status=succeeded`));
    if (runs.length > 0) return;
    await new Promise((wake) => setTimeout(wake, 100));
  }
  throw new Error("the run is not listed");
}

interface Timed {
  readonly what: string;
  readonly first_ms: number;
  readonly median_ms: number;
  readonly max_ms: number;
}

interface Report {
  readonly runs: number;
  readonly counted_first_ms: number;
  readonly calls: readonly Timed[];
}

/** Times the first call and several further ones. */
async function time(runtime: LocalRuntime, what: string, path: string): Promise<Timed> {
  const took: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const startedAt = performance.now();
    await call(runtime, path);
    took.push(performance.now() - startedAt);
  }
  const [first = 0, ...rest] = took;
  const { median, max } = figureOf(rest);
  return { what, first_ms: first, median_ms: median, max_ms: max };
}

async function measure(runtime: LocalRuntime, runs: number): Promise<Report> {
  // The catalog counts runs as they arrive, but these were written past it: here it has a million
  // runs to count.
  const startedAt = performance.now();
  await call(runtime, `/runs/count?task=${TASK}`);
  const countedMs = Math.round(performance.now() - startedAt);
  const page = LIST.parse(await call(runtime, `/runs?task=${TASK}&limit=200`));
  const middle = `${Date.now() - MONTH_MS / 2}.`;
  const day = (daysAgo: number): string =>
    new Date(Date.now() - daysAgo * 86_400_000).toISOString();
  const calls: readonly (readonly [string, string])[] = [
    ["the newest 50", `/runs?task=${TASK}`],
    ["the newest 200, of all tasks", `/runs?limit=200`],
    ["the next 200", `/runs?task=${TASK}&limit=200&cursor=${page.next_cursor ?? ""}`],
    ["200 from the middle", `/runs?task=${TASK}&limit=200&cursor=${middle}`],
    ["the newest 200 that failed (1 of 1,000)", `/runs?task=${TASK}&limit=200&status=failed`],
    ["100 from a notebook (1 of 10,000)", `/runs?task=${TASK}&limit=100&source=lab`],
    ["queued or running (none)", `/runs?task=${TASK}&status=queued,running`],
    [
      "succeeded, of one day",
      `/runs?task=${TASK}&status=succeeded&created_after=${day(9)}&created_before=${day(8)}`,
    ],
    ["count of all", `/runs/count?task=${TASK}`],
    [
      "count of what failed in a stretch of days",
      `/runs/count?task=${TASK}&status=failed&created_after=${day(20)}&created_before=${day(3.3)}`,
    ],
  ];
  const timed: Timed[] = [];
  for (const [what, path] of calls) timed.push(await time(runtime, what, path));
  return { runs, counted_first_ms: countedMs, calls: timed };
}

function renderReport({ counted_first_ms: countedMs, calls }: Report): string {
  const line = (what: string, cells: readonly string[]): string =>
    `${what.padEnd(46)} ${cells.map((cell) => cell.padStart(9)).join(" ")}`;
  return [
    `counted for the first time in ${countedMs} ms`,
    line("milliseconds", ["first", "median", "max"]),
    ...calls.map((call) =>
      line(
        call.what,
        [call.first_ms, call.median_ms, call.max_ms].map((ms) => ms.toFixed(1)),
      ),
    ),
  ].join("\n");
}

async function main(args: readonly string[]): Promise<void> {
  const given = parseOptions(args, {
    runs: { type: "string" },
    json: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  });
  if (given.help === true) return console.log(USAGE);
  const runs = Number(given.runs ?? "1000000");
  const folder = mkdtempSync(join(tmpdir(), "peach-lists-"));
  const options = {
    persistTo: join(folder, "state"),
    confPath: join(folder, "peach.conf"),
    pipelinesDir: PIPELINES,
    env: { X_LOCAL_OBSERVABILITY: "false" },
  };
  writeFileSync(options.confPath, `tasks:\n  ${TASK}: {method: pass_task}\n`);
  try {
    let runtime = await startRuntime(options);
    try {
      await call(runtime, `/tasks/${TASK}/trigger`, { method: "POST", body: "null" });
      await untilListed(runtime);
      await runtime.stop();
      const startedAt = performance.now();
      fill(catalogOf(options.persistTo), runs);
      console.error(
        `${runs} runs written in ${Math.round((performance.now() - startedAt) / 1_000)} s`,
      );
      runtime = await startRuntime(options);
      const report = await measure(runtime, runs);
      console.log(given.json === true ? JSON.stringify(report) : renderReport(report));
    } finally {
      await runtime.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

await main(process.argv.slice(2));
