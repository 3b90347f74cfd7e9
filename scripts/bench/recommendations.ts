/**
 * `npm run bench:recommendations`: times a recommendation endpoint on the local runtime beside a
 * bare worker that reads the same key, and beside an endpoint of Peach without components. The
 * systems are asked by turns, in one run, one request at a time.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseOptions } from "../../src/local/arguments.ts";
import { writeWorker } from "../../src/local/build.ts";
import { bundleModule } from "../../src/local/bundle.ts";
import { launch, startRuntime } from "../../src/local/runtime.ts";
import { openStateFolder } from "../../src/local/state-folder.ts";
import { figureOf, quantileOf } from "./statistics.ts";

const USAGE = `usage: npm run bench:recommendations [-- --requests N --json]

Times N requests (default 10000) each of: a bare worker that reads a key of a store; an endpoint
of Peach that reads the key; a recommendation endpoint whose component reads the key; the same
with its result in the cache. A tenth as many requests warm up first.

The endpoint is to answer within 10 ms at the 99th percentile, and within 1.5 ms of the bare
worker at the median.

  --json   one JSON object: {requests, systems: [{what, median_ms, p99_ms, max_ms}], added_ms}`;

/** The configuration of the deployment under test. */
const CONF = `endpoints:
  fill: {method: fill, auth: none}
  read: {method: read, auth: none}
  recommendations: &served
    params: {user: {type: string, required: true}, limit: {type: integer, default: 10}}
    split: {by: user, param: user}
    components: {one: {method: component, weight: 80}, other: {method: component, weight: 20}}
  cached: {<<: *served, cache: 1h}
`;
const WORKERS = fileURLToPath(new URL("worker", import.meta.url));
const COMPATIBILITY_DATE = "2026-11-01";
/** Requests of one system before the next has its turn. */
const TURN = 20;
/** Users among the requests: as many results are cached. */
const USERS = 10;

/** A system under test. */
interface System {
  readonly what: string;
  readonly urlOf: (round: number) => string;
}

/** The times of one system. */
interface Timed {
  readonly what: string;
  readonly median_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
}

/** The result of the benchmark, with the systems in the order of the turns. */
interface Report {
  readonly requests: number;
  readonly systems: readonly Timed[];
  /** The median of the recommendation endpoint, less that of the bare worker. */
  readonly added_ms: number;
}

/** Asks once. Resolves to the milliseconds until the body is read. Throws unless the answer is 200. */
async function ask(url: string): Promise<number> {
  const startedAt = performance.now();
  const answer = await fetch(url);
  const text = await answer.text();
  const took = performance.now() - startedAt;
  if (answer.status !== 200 || answer.headers.has("peach-fallback"))
    throw new Error(`${url} answered ${answer.status}: ${text}`);
  return took;
}

/** Asks each system so many times, by turns. Resolves to the times of each, in the same order. */
async function askByTurns(systems: readonly System[], requests: number): Promise<number[][]> {
  const times = systems.map((): number[] => []);
  for (let done = 0; done < requests; done += TURN)
    for (const [index, { urlOf }] of systems.entries())
      for (let round = done; round < Math.min(requests, done + TURN); round += 1)
        times[index]?.push(await ask(urlOf(round)));
  return times;
}

/**
 * Fills both stores with the same value, warms up and measures. Requests of a turn follow each other
 * without a pause.
 */
async function measure(peach: string, bare: string, requests: number): Promise<Report> {
  const filled = await fetch(`${peach}/fill`);
  const items = await (await fetch(`${peach}/read`)).text();
  await fetch(bare, { method: "PUT", body: items });
  if (filled.status !== 200) throw new Error(`the store was not filled: ${await filled.text()}`);
  const systems: readonly System[] = [
    { what: "a bare worker", urlOf: () => bare },
    { what: "an endpoint", urlOf: () => `${peach}/read` },
    {
      what: "a recommendation endpoint",
      urlOf: (round) => `${peach}/recommendations?user=u${round % USERS}`,
    },
    { what: "the same, cached", urlOf: (round) => `${peach}/cached?user=u${round % USERS}` },
  ];
  await askByTurns(systems, Math.ceil(requests / 10));
  const times = await askByTurns(systems, requests);
  const timed = systems.map(({ what }, index): Timed => {
    const all = times[index] ?? [];
    const { median, max } = figureOf(all);
    return { what, median_ms: median, p99_ms: quantileOf(all, 0.99), max_ms: max };
  });
  const [first, , third] = timed;
  return { requests, systems: timed, added_ms: (third?.median_ms ?? 0) - (first?.median_ms ?? 0) };
}

/** Renders the report as a table. */
function renderReport({ requests, systems, added_ms: added }: Report): string {
  const line = (what: string, cells: readonly string[]): string =>
    `${what.padEnd(30)} ${cells.map((cell) => cell.padStart(9)).join(" ")}`;
  return [
    `${requests} requests of each, one at a time`,
    line("milliseconds", ["median", "99 %", "max"]),
    ...systems.map(({ what, median_ms: median, p99_ms: p99, max_ms: max }) =>
      line(
        what,
        [median, p99, max].map((ms) => ms.toFixed(2)),
      ),
    ),
    `a recommendation endpoint adds ${added.toFixed(2)} ms at the median`,
  ].join("\n");
}

async function main(args: readonly string[]): Promise<void> {
  const given = parseOptions(args, {
    requests: { type: "string" },
    json: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  });
  if (given.help === true) return console.log(USAGE);
  const folder = mkdtempSync(join(tmpdir(), "peach-recommendations-"));
  const confPath = join(folder, "peach.conf");
  writeFileSync(confPath, CONF);
  const stops: (() => Promise<void>)[] = [];
  try {
    const peach = await startRuntime({
      persistTo: join(folder, "peach"),
      confPath,
      pipelinesDir: join(WORKERS, "recommendations"),
      env: { X_LOCAL_OBSERVABILITY: "false" },
    });
    stops.push(() => peach.stop());
    const state = openStateFolder(join(folder, "bare"));
    const bundle = await bundleModule(join(WORKERS, "bare-reader.ts"), state);
    writeWorker(state, bundle, {
      name: "bare-reader",
      main: state.bundlePath,
      no_bundle: true,
      find_additional_modules: false,
      compatibility_date: COMPATIBILITY_DATE,
      kv_namespaces: [{ binding: "RECOMMENDATIONS", id: "recommendations" }],
    });
    const bare = await launch(state, {});
    stops.push(() => bare.stop());
    const report = await measure(peach.url, bare.url, Number(given.requests ?? "10000"));
    console.log(given.json === true ? JSON.stringify(report) : renderReport(report));
  } finally {
    for (const stop of stops.toReversed()) await stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

await main(process.argv.slice(2));
