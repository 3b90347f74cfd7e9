/**
 * The worst that 10 MB can be, sent to every way in that reads a body: what the process of the worker grows by, how long its health takes
 * to answer meanwhile, and how long the refusal is. And a share of what `npm run fuzz` makes up.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { type ClientRequest, request, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { beforeAll, expect, it, vi } from "vitest";
import { runCampaign } from "../../scripts/fuzz/campaign.ts";
import { besiege } from "../../scripts/fuzz/siege.ts";
import { campaignOf, siegeOf, startFuzzed } from "../../scripts/fuzz/fixture.ts";
import { TELLS_MEMORY } from "../../scripts/resident-memory.ts";
import type { LocalRuntime } from "../../src/local/runtime.ts";
import { IS_LONG } from "../support/long.ts";
import { SEED } from "../support/seed.ts";
import { WorkerMemory } from "./memory.ts";
import { byMiniflare } from "./stage.ts";

const MEGABYTE = 1_000_000;
/** Those that cost most before there were bounds; the long run sends others as well. */
const WORST = new Set([
  "zeros",
  "empty objects",
  "depth",
  "names",
  "records that are none",
  "a bomb",
  "long names",
  "a text",
  "a list of a wide text",
  "an id of a wide text",
]);

let runtime: LocalRuntime;
beforeAll(async () => {
  const fuzzed = await start();
  runtime = fuzzed.runtime;
  return fuzzed.end;
});

/** Starts without wrangler's proxy, which would read and write every byte once more. */
async function start(): Promise<{ readonly runtime: LocalRuntime; readonly end: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "peach-hostile-"));
  const started = await startFuzzed(join(folder, "state"), byMiniflare);
  const end = async (): Promise<void> => {
    await started.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  return { runtime: started, end };
}

it.skipIf(!TELLS_MEMORY)(
  "10 MB of what is worst cost little wherever they are sent, and are refused in few words",
  { timeout: 600_000 },
  async () => {
    // The short run draws some pairs of the worst bodies and where they are sent, each time others; the long run sends all.
    const drawn = IS_LONG ? { requests: 1_000 } : { requests: 60, wanted: WORST };
    const besieged = await start();
    try {
      const siege = siegeOf(besieged.runtime, { seed: SEED, size: 10 * MEGABYTE, ...drawn });
      const { faults, requests, mostGrown, slowestHealthMs } = await besiege(siege);
      console.log(
        `${requests} bodies of 10 MB: the worker grew by at most ${Math.round((mostGrown ?? 0) / MEGABYTE)} MB, ` +
          `and computed at most ${Math.round(slowestHealthMs)} ms before /healthz answered`,
      );
      expect(
        faults.map(({ why, request: { id } }) => `${id}: ${why}`),
        `drawn with PEACH_TEST_SEED=${SEED}`,
      ).toEqual([]);
    } finally {
      await besieged.end();
    }
  },
);

it
  .skipIf(!TELLS_MEMORY)
  .each(["an endpoint that hands its body to a typed task", "a task that takes a tree, with a key"])(
  "a wide text costs little as the first large body, too, for which V8 has collected nothing yet: %s",
  { timeout: 120_000 },
  async (id) => {
    const fresh = await start();
    try {
      const wanted = new Set(["a list of a wide text"]);
      const siege = siegeOf(fresh.runtime, { seed: 1, size: 10 * MEGABYTE, requests: 1, wanted });
      const targets = Object.fromEntries(Object.entries(siege.targets).filter(([target]) => target === id));
      const { faults, requests } = await besiege({ ...siege, targets });
      expect(requests).toBe(1);
      expect(faults.map(({ why }) => why)).toEqual([]);
    } finally {
      await fresh.end();
    }
  },
);

it.skipIf(!TELLS_MEMORY).each(["a signed endpoint", "a typed task"])(
  "callers of %s that declare 10 MB and send little of it hold little of the worker's memory",
  async (target) => {
    const size = 10 * MEGABYTE;
    const sent = Buffer.alloc(100_000, " ");
    const { path, headers } = siegeOf(runtime, { seed: 1, size, requests: 1 }).targets[target]?.(sent) ?? {};
    const memory = await WorkerMemory.open(runtime);
    const idle = await memory.live();
    const waiting = Array.from({ length: 20 }, (): ClientRequest => {
      const declared = { "Content-Type": "application/json", "Content-Length": String(size), ...headers };
      const begun = request(runtime.url + (path ?? ""), { method: "POST", agent: false, headers: declared });
      begun.on("error", () => undefined).write(sent);
      return begun;
    });
    // All of what was sent has come.
    const held = await vi.waitFor(
      async () => {
        const grown = (await memory.live()) - idle;
        expect(grown).toBeGreaterThan(waiting.length * sent.length);
        return grown;
      },
      { timeout: 20_000, interval: 50 },
    );
    for (const begun of waiting) begun.destroy();
    memory.close();
    expect(held / waiting.length).toBeLessThan(MEGABYTE);
  },
);

it("no made-up request makes the worker fail, by whatever way it comes in that no document describes", async () => {
  const campaign = await campaignOf(runtime, { requests: IS_LONG ? 2_000 : 400, seed: 1, width: 4 });
  const { faults, succeeded } = await runCampaign({ ...campaign, calls: [] });
  expect(faults).toEqual([]);
  // They are no requests that are refused at the door.
  expect(succeeded.size).toBeGreaterThan(Object.keys(campaign.ways ?? {}).length / 2);
});

it("a body of a GET counts against max_body, its length declared or not", async () => {
  const chunks = [new Uint8Array(MEGABYTE), new Uint8Array(MEGABYTE)];
  expect(await got("/any", { "Content-Length": "2000000" }, chunks)).toMatchObject({ status: 413 });
  expect(await got("/any", { "Content-Length": "1000" }, [new Uint8Array(1_000)])).toMatchObject({ status: 200 });
  // Chunked, the local runtime gives the worker nothing of it; elsewhere it is too large.
  const chunked = await got("/any", { "Transfer-Encoding": "chunked" }, chunks);
  expect(chunked.text).toMatch(/"payload_too_large"|^\{"bytes":0\}$/);
});

/** `fetch` sends no body with a GET. */
async function got(path: string, headers: Record<string, string>, chunks: readonly Uint8Array[]) {
  const answer = Promise.withResolvers<IncomingMessage>();
  const sent = request(runtime.url + path, { method: "GET", headers }, answer.resolve).on("error", answer.reject);
  for (const chunk of chunks) sent.write(chunk);
  sent.end();
  const response = await answer.promise;
  return { status: response.statusCode, text: await text(response) };
}
