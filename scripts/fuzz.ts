/**
 * `npm run fuzz`: sends random requests to every entry point, and expensive bodies to each entry
 * point that reads a body. Fails if an answer is a fault of the worker (5xx but 503), shows a stack
 * or a secret, is an error without a problem document, or is a long refusal; if the worker's memory
 * grows, or if the health check becomes slow.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCampaign, type Fault } from "./fuzz/campaign.ts";
import { HealthWatch } from "./fuzz/health-watch.ts";
import { besiege } from "./fuzz/siege.ts";
import { campaignOf, siegeOf, startFuzzed } from "./fuzz/fixture.ts";
import { parseOptions, UsageError } from "../src/local/arguments.ts";
import { exitCodeOf } from "../src/local/exit-code.ts";

const USAGE = `usage: npm run fuzz [-- --requests N] [-- --heavy N] [-- --seed S] [-- --json]

Starts the local runtime with a pipeline of its own and sends made-up requests to every call that
its OpenAPI document has, and by every other way in: log-in, completion, endpoints of each auth,
object events, CloudEvents, WebSockets, event streams. Then sends the worst bodies of 10 MB there
are, one at a time, and measures what they cost.

  --requests N   how many (default 20000)
  --heavy N      how many of 10 MB (default 200)
  --seed S       which (default random, printed)
  --json         one JSON object: {seed, requests, statuses, succeeded, heavy: {requests, grown_mb,
                 health_ms}, faults}
  --help         this text

Exit code: 0 if there is no fault, 1 if there is one, 2 if the command was called wrongly.`;

const WIDTH = 8;
const HEAVY_BYTES = 10_000_000;
const SHOWN_FAULTS = 10;

async function main(args: readonly string[]): Promise<number> {
  const given = parseOptions(args, {
    requests: { type: "string" },
    heavy: { type: "string" },
    seed: { type: "string" },
    json: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  });
  if (given.help === true) {
    console.log(USAGE);
    return 0;
  }
  const requests = parseCount("requests", given.requests ?? "20000");
  const heavy = parseCount("heavy", given.heavy ?? "200");
  const seed =
    given.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : parseCount("seed", given.seed);
  console.error(`fuzz: seed ${seed}, ${requests} requests, ${heavy} of 10 MB`);
  const folder = mkdtempSync(join(tmpdir(), "peach-fuzz-"));
  const runtime = await startFuzzed(join(folder, "state"));
  try {
    // Measurements come first, before the many requests leave their traces.
    const siege = await besiege(siegeOf(runtime, { seed, size: HEAVY_BYTES, requests: heavy }));
    const watch = new HealthWatch(runtime);
    const result = await runCampaign(await campaignOf(runtime, { requests, seed, width: WIDTH }));
    await watch.stop();
    const statuses = Object.fromEntries([...result.statuses].toSorted(([a], [b]) => a - b));
    const { succeeded } = result;
    const faults: Fault[] = [...siege.faults, ...result.faults];
    const grownMb = siege.mostGrown === null ? null : Math.round(siege.mostGrown / 1e6);
    const healthMs = Math.round(siege.slowestHealthMs);
    if (given.json === true) {
      const measured = { requests: siege.requests, grown_mb: grownMb, health_ms: healthMs };
      console.log(
        JSON.stringify({
          seed,
          requests,
          statuses,
          succeeded: [...succeeded],
          heavy: measured,
          faults,
        }),
      );
    } else {
      console.log(
        `${siege.requests} bodies of 10 MB: the worker grew by at most ${grownMb ?? "?"} MB, ` +
          `/healthz answered within ${healthMs} ms of computing`,
      );
      console.log(
        `${requests} requests, answered with ${JSON.stringify(statuses)}; ${succeeded.size} ` +
          `calls succeeded at least once; ` +
          `/healthz answered within ${Math.round(watch.slowestMs)} ms of computing`,
      );
      for (const fault of faults.slice(0, SHOWN_FAULTS)) console.log(describeFault(fault));
      console.log(
        faults.length === 0
          ? "no fault"
          : `${faults.length} faults; again: npm run fuzz -- --seed ${seed} --requests ` +
              `${requests} --heavy ${heavy}`,
      );
    }
    return faults.length === 0 ? 0 : 1;
  } finally {
    await runtime.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function describeFault({
  why,
  request: { id, method, path, headers, body },
  answer,
}: Fault): string {
  const sent = typeof body === "string" ? body.slice(0, 200) : `${body?.byteLength ?? 0} bytes`;
  return `\n${id}\n${method} ${path}\n${JSON.stringify(headers)}\n${sent}\n=> ${why}: ${answer?.text.slice(0, 500) ?? ""}`;
}

/** Parses a whole number. Throws `UsageError` for anything else. */
function parseCount(name: string, text: string): number {
  if (!/^\d{1,10}$/.test(text))
    throw new UsageError(`--${name} takes a whole number, given ${JSON.stringify(text)}.`);
  return Number(text);
}

process.exitCode = await exitCodeOf(main, USAGE);
