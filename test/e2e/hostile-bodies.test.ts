/**
 * The worst that 10 MB can be, sent to every way in that reads a body: what the process of the worker grows by, how long its health takes
 * to answer meanwhile, and how long the refusal is.
 */
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { beforeAll, describe, expect, it } from "vitest";
import { HealthWatch } from "../../scripts/fuzz/health-watch.ts";
import { hostileBodies, type HostileBody } from "../../scripts/fuzz/hostile-bodies.ts";
import { ResidentMemory, TELLS_MEMORY } from "../../scripts/local/resident-memory.ts";
import { IS_LONG } from "../support/long.ts";
import { startRuntime, type LocalRuntime } from "../../scripts/local/runtime.ts";

const FUZZ = resolve(import.meta.dirname, "../../scripts/fuzz");
const MEGABYTE = 1_000_000;
const TOKEN = ["hostile", "bodies", "token", "of", "the", "test"].join("-");
const SECRET = ["hostile", "secret"].join("-");
const OWN = { "Sec-Fetch-Site": "same-origin", "X-Peach-Dashboard": "1" };

type Way = (bytes: Uint8Array) => { readonly path: string; readonly headers: Record<string, string> };

const WAYS: Readonly<Record<string, Way>> = {
  "object events": () => ({ path: "/objects", headers: {} }),
  "an endpoint that hands its body to a typed task": () => ({ path: "/relay", headers: {} }),
  "a trigger of a typed task": () => api("/tasks/texts/trigger"),
  "a trigger of a task": () => api("/tasks/sink/trigger"),
  "an event": () => api("/events/texts.came"),
  "the log-in": () => ({ path: "/dashboard/login", headers: OWN }),
  "a signed endpoint, unsigned": () => ({ path: "/plain", headers: { "X-Signature": "0".repeat(64) } }),
  "a signed endpoint": (bytes) => ({
    path: "/plain",
    headers: { "X-Signature": createHmac("sha256", SECRET).update(bytes).digest("hex") },
  }),
};

function api(path: string): ReturnType<Way> {
  return { path: `/api/v1${path}`, headers: { Authorization: `Bearer ${TOKEN}` } };
}

let runtime: LocalRuntime;
beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), "peach-hostile-"));
  runtime = await startRuntime({
    persistTo: join(folder, "state"),
    confPath: join(FUZZ, "peach.conf"),
    pipelinesDir: join(FUZZ, "pipelines"),
    env: { PEACH_API_TOKEN: TOKEN, FUZZ_SECRET: SECRET, FUZZ_WEBHOOK_SECRET: SECRET },
  });
  return async () => {
    await runtime.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
});

/** Those that cost most before there were bounds; the long run sends all. */
const WORST = new Set(["zeros", "empty objects", "depth", "names", "records that are none", "long names", "a bomb"]);
const SENT = hostileBodies(10 * MEGABYTE).filter(({ name }) => IS_LONG || WORST.has(name));

describe.skipIf(!TELLS_MEMORY)("10 MB of what is worst", () => {
  it.for(Object.entries(WAYS))("sent to %s cost little, and are refused in few words", async ([, to]) => {
    for (const body of SENT) {
      const { name } = body;
      const { grown, slowestMs, status, length } = await measured(body, to);
      expect.soft(status, name).toBeLessThan(500);
      expect.soft(length, name).toBeLessThan(64_000);
      expect.soft(grown / MEGABYTE, `${name}: megabytes by which the worker grew`).toBeLessThan(150);
      expect.soft(slowestMs, `${name}: milliseconds until /healthz answered`).toBeLessThan(1_000);
    }
  });
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

async function measured(body: HostileBody, to: Way) {
  const { contentType, contentEncoding, make } = body;
  const bytes = make();
  const { path, headers } = to(bytes);
  const memory = new ResidentMemory(runtime.pids);
  memory.forgetGrowth();
  const watch = new HealthWatch(runtime);
  const encoding = contentEncoding === undefined ? {} : { "Content-Encoding": contentEncoding };
  const answer = await fetch(runtime.url + path, {
    method: "POST",
    headers: { "Content-Type": contentType, ...encoding, ...headers },
    body: bytes,
  });
  const { byteLength: length } = await answer.arrayBuffer();
  await watch.stop();
  expect(watch.failure).toBeNull();
  return { grown: memory.grown(), slowestMs: watch.slowestMs, status: answer.status, length };
}
