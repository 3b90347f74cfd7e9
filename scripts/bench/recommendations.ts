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
import { workerdsOf } from "../resident-memory.ts";
import { Asker } from "./asker.ts";
import { CpuClock } from "./cpu-clock.ts";
import { CAUSES, type SystemTimes, timesOf, type TimedRequest } from "./slow-requests.ts";

const USAGE = `usage: npm run bench:recommendations [-- --requests N --json]

Times N requests (default 10000) each of: a bare worker that reads a key of a store; an endpoint
of Peach that reads the key; a recommendation endpoint whose component reads the key; the same
with its result in the cache. A tenth as many requests warm up first.

The endpoint is to answer within 10 ms at the 99th percentile, and within 1.5 ms of the bare
worker at the median.

"99 % own" leaves out what the client and the machine took: the client's garbage collections, and
waits of client and servers for a CPU that another process had. Requests above the 99th
percentile are counted by their main cause: the client, the machine, the server's computation
(its garbage collection included), or another one, such as the disk. Only Linux tells these parts.
Neither runtime logs its requests.

  --json   one JSON object: {requests, took_s, added_ms, systems: [{what, median_ms, p99_ms,
           p99_own_ms, max_ms, slow: {client, machine, computation, other}, slowest: [{nth, atMs,
           ms, clientMs, machineMs, computedMs, cause}]}]}`;

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
  readonly urlOf: (nth: number) => string;
  /** The processes that serve the system. */
  readonly server: CpuClock;
}

/** The result of the benchmark, with the systems in the order of the turns. */
interface Report {
  readonly requests: number;
  readonly took_s: number;
  readonly systems: readonly SystemTimes[];
  /** The median of the recommendation endpoint, less the median of the bare worker. */
  readonly added_ms: number;
}

/** Asks each system so many times, by turns. Resolves to the times of each, in the same order. */
async function askByTurns(
  asker: Asker,
  systems: readonly System[],
  requests: number,
): Promise<TimedRequest[][]> {
  const times = systems.map((): TimedRequest[] => []);
  const startedAt = performance.now();
  for (let done = 0; done < requests; done += TURN)
    for (const [index, { urlOf, server }] of systems.entries())
      for (let nth = done; nth < Math.min(requests, done + TURN); nth += 1) {
        const { answer, ...timed } = await asker.time(urlOf(nth), server);
        if (answer.headers["peach-fallback"] !== undefined)
          throw new Error(`the fallback answered: ${answer.text}`);
        times[index]?.push({ ...timed, nth });
      }
  return times.map((row) =>
    asker.withCollections(row).map((timed) => ({ ...timed, atMs: timed.atMs - startedAt })),
  );
}

/**
 * Fills both stores with the same value, warms up and measures. Requests of a turn follow each
 * other without a pause.
 */
async function measure(
  asker: Asker,
  peach: { readonly url: string; readonly server: CpuClock },
  bare: { readonly url: string; readonly server: CpuClock },
  requests: number,
): Promise<Report> {
  await asker.ask(`${peach.url}/fill`);
  const { text: items } = await asker.ask(`${peach.url}/read`);
  await asker.ask(bare.url, "PUT", items);
  const { server } = peach;
  const systems: readonly System[] = [
    { what: "a bare worker", urlOf: () => bare.url, server: bare.server },
    { what: "an endpoint", urlOf: () => `${peach.url}/read`, server },
    {
      what: "a recommendation endpoint",
      urlOf: (nth) => `${peach.url}/recommendations?user=u${nth % USERS}`,
      server,
    },
    {
      what: "the same, cached",
      urlOf: (nth) => `${peach.url}/cached?user=u${nth % USERS}`,
      server,
    },
  ];
  await askByTurns(asker, systems, Math.ceil(requests / 10));
  const startedAt = performance.now();
  const times = await askByTurns(asker, systems, requests);
  const took_s = (performance.now() - startedAt) / 1_000;
  const timed = systems.map(({ what }, index) => timesOf(what, times[index] ?? []));
  const [first, , third] = timed;
  const added_ms = (third?.median_ms ?? 0) - (first?.median_ms ?? 0);
  return { requests, took_s, systems: timed, added_ms };
}

/** Renders the report as a table. */
function renderReport({ requests, took_s: took, systems, added_ms: added }: Report): string {
  const line = (what: string, cells: readonly string[]): string =>
    `${what.padEnd(26)} ${cells.map((cell) => cell.padStart(11)).join(" ")}`;
  return [
    `${requests} requests of each, by turns, one at a time, in ${took.toFixed(0)} s`,
    line("milliseconds", ["median", "99 %", "99 % own", "max"]),
    ...systems.map(({ what, median_ms: median, p99_ms: p99, p99_own_ms: own, max_ms: max }) =>
      line(
        what,
        [median, p99, own, max].map((ms) => ms.toFixed(2)),
      ),
    ),
    "",
    line("slower than 99 %, due to", CAUSES),
    ...systems.map(({ what, slow }) =>
      line(
        what,
        CAUSES.map((cause) => String(slow[cause])),
      ),
    ),
    "",
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
  // By default a line for each request goes through three further processes, while the next request
  // is under way.
  process.env["WRANGLER_LOG"] = "warn";
  const folder = mkdtempSync(join(tmpdir(), "peach-recommendations-"));
  const confPath = join(folder, "peach.conf");
  writeFileSync(confPath, CONF);
  const stops: (() => Promise<void>)[] = [];
  try {
    const peach = await startRuntime({
      persistTo: join(folder, "peach"),
      confPath,
      pipelinesDir: join(WORKERS, "recommendations"),
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
    const asker = new Asker();
    const report = await measure(
      asker,
      { url: peach.url, server: new CpuClock(workerdsOf(peach.pids)) },
      { url: bare.url, server: new CpuClock(workerdsOf(bare.pids)) },
      Number(given.requests ?? "10000"),
    );
    asker.close();
    console.log(given.json === true ? JSON.stringify(report) : renderReport(report));
  } finally {
    for (const stop of stops.toReversed()) await stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

await main(process.argv.slice(2));
