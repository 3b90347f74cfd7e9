/**
 * `npm run bench:vectors`: times an index of vectors (`vectors()` of peach/stores) on the local
 * runtime. Calls are made over HTTP, through an endpoint, as by any client.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createClient } from "../../src/client/client.ts";
import { parseOptions } from "../../src/local/arguments.ts";
import { ResidentMemory, workerdsOf } from "../resident-memory.ts";
import { startRuntime, type LocalRuntime } from "../../src/local/runtime.ts";
import { figureOf, quantileOf } from "./statistics.ts";

const USAGE = `usage: npm run bench:vectors [-- --vectors N --dimensions N --queries N --json]

Times an index of N random vectors (default 100000) of N dimensions (default 384): building
the index, N queries (default 100), queries with a filter, and changes of one vector. The
first call of each kind reads from the store and is shown apart.

  --json   one JSON object: {vectors, dimensions, build_ms, memory_mb,
           calls: [{what, first_ms, median_ms, p95_ms, max_ms}]}`;

/** The configuration of the deployment under test. */
const CONF = `tasks:
  build: {method: build, timeout: 10m}
endpoints:
  query: {method: query, auth: none}
  filtered: {method: filtered, auth: none}
  change: {method: change, auth: none}
`;
const PIPELINES = fileURLToPath(new URL("worker/vectors", import.meta.url));
const BUILD_LIMIT = "10m";
const MEBIBYTE = 1024 * 1024;

/** The times of one kind of call. */
interface Timed {
  readonly what: string;
  readonly first_ms: number;
  readonly median_ms: number;
  readonly p95_ms: number;
  readonly max_ms: number;
}

/** The result of the benchmark. */
interface Report {
  readonly vectors: number;
  readonly dimensions: number;
  readonly build_ms: number;
  /** The growth of the runtime's memory while queries run. */
  readonly memory_mb: number;
  readonly calls: readonly Timed[];
}

/** Calls an endpoint. Throws unless the answer is 200. */
async function call(runtime: LocalRuntime, path: string): Promise<void> {
  const answer = await fetch(runtime.url + path);
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${text}`);
}

/** Times the first call and several further ones. */
async function time(
  what: string,
  rounds: number,
  work: (round: number) => Promise<void>,
): Promise<Timed> {
  const took: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const startedAt = performance.now();
    await work(round);
    took.push(performance.now() - startedAt);
  }
  const [first = 0, ...rest] = took;
  const { median, max } = figureOf(rest);
  return { what, first_ms: first, median_ms: median, p95_ms: quantileOf(rest, 0.95), max_ms: max };
}

/** Builds the index by a task. Resolves to the milliseconds of the run. */
async function build(runtime: LocalRuntime, size: object): Promise<number> {
  const client = createClient({ url: runtime.url, token: runtime.token });
  const run = await client.trigger("build", size);
  const { status, duration_ms: took } = await run.result({ timeout: BUILD_LIMIT });
  if (status !== "succeeded" || took === null)
    throw new Error(`the index was not built: ${status}`);
  return took;
}

/** Builds the index, and times the calls. */
async function measure(
  runtime: LocalRuntime,
  { vectors, dimensions, queries }: { vectors: number; dimensions: number; queries: number },
): Promise<Report> {
  const buildMs = await build(runtime, { count: vectors, dimensions });
  const memory = new ResidentMemory(workerdsOf(runtime.pids));
  memory.forgetGrowth();
  // Queries differ from round to round.
  const path = (name: string, round: number): string =>
    `/${name}?dimensions=${dimensions}&number=${round}`;
  const calls = [
    await time("a query for 10", queries, (round) => call(runtime, path("query", round))),
    await time("a query for 10 of a third", queries, (round) =>
      call(runtime, path("filtered", round)),
    ),
    await time("a change of one vector", Math.min(queries, 20), (round) =>
      call(runtime, path("change", round)),
    ),
  ];
  const grown = memory.grown() / MEBIBYTE;
  return { vectors, dimensions, build_ms: buildMs, memory_mb: grown, calls };
}

/** Renders the report as a table. */
function renderReport({
  vectors,
  dimensions,
  build_ms: buildMs,
  memory_mb: memory,
  calls,
}: Report): string {
  const line = (what: string, cells: readonly string[]): string =>
    `${what.padEnd(32)} ${cells.map((cell) => cell.padStart(9)).join(" ")}`;
  return [
    `${vectors} vectors of ${dimensions} dimensions, built in ${buildMs} ms`,
    `calls grew the runtime by ${memory.toFixed(0)} MiB`,
    line("milliseconds", ["first", "median", "95 %", "max"]),
    ...calls.map((one) =>
      line(
        one.what,
        [one.first_ms, one.median_ms, one.p95_ms, one.max_ms].map((ms) => ms.toFixed(1)),
      ),
    ),
  ].join("\n");
}

async function main(args: readonly string[]): Promise<void> {
  const given = parseOptions(args, {
    vectors: { type: "string" },
    dimensions: { type: "string" },
    queries: { type: "string" },
    json: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  });
  if (given.help === true) return console.log(USAGE);
  const folder = mkdtempSync(join(tmpdir(), "peach-vectors-"));
  const confPath = join(folder, "peach.conf");
  writeFileSync(confPath, CONF);
  try {
    const runtime = await startRuntime({
      persistTo: join(folder, "state"),
      confPath,
      pipelinesDir: PIPELINES,
      env: { X_LOCAL_OBSERVABILITY: "false" },
    });
    try {
      const report = await measure(runtime, {
        vectors: Number(given.vectors ?? "100000"),
        dimensions: Number(given.dimensions ?? "384"),
        queries: Number(given.queries ?? "100"),
      });
      console.log(given.json === true ? JSON.stringify(report) : renderReport(report));
    } finally {
      await runtime.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

await main(process.argv.slice(2));
