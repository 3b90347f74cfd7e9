/**
 * `npm run fuzz`: sends made-up requests to all calls of the API, from its OpenAPI document, and fails if an answer is a fault of the
 * worker (5xx but 503), shows a stack or a secret, or is an error that is no problem document.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCampaign, type Fault } from "./fuzz/campaign.ts";
import { describedCalls } from "./fuzz/described-calls.ts";
import type { FuzzedAnswer } from "./fuzz/fault.ts";
import type { FuzzedRequest } from "./fuzz/fuzzed-request.ts";
import { parseOptions, UsageError } from "./local/arguments.ts";
import { RuntimeStartError, startRuntime } from "./local/runtime.ts";

const USAGE = `usage: npm run fuzz [-- --requests N] [-- --seed S] [-- --json]

Starts the local runtime with a pipeline of its own and sends made-up requests to every call that its OpenAPI document has.

  --requests N   how many (default 10000)
  --seed S       which (default random, printed)
  --json         one JSON object: {seed, requests, statuses, succeeded, faults}
  --help         this text

Exit code: 0 if every answer is one, 1 if one is not, 2 if the command was called wrongly.`;

const TOKEN = "fuzz-admin-token-6f1d-of-24-and-more";
const READ_TOKEN = "fuzz-read-token-83aa";
const SECRET = "fuzz-endpoint-secret-20b7";
const WIDTH = 8;
const ANSWER_LIMIT_MS = 60_000;
const READ_LIMIT_BYTES = 200_000;
const SHOWN_FAULTS = 10;

async function main(args: readonly string[]): Promise<number> {
  const given = parseOptions(args, {
    requests: { type: "string" },
    seed: { type: "string" },
    json: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  });
  if (given.help === true) {
    console.log(USAGE);
    return 0;
  }
  const requests = parseCount("requests", given.requests ?? "10000");
  const seed = given.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : parseCount("seed", given.seed);
  console.error(`fuzz: seed ${seed}, ${requests} requests`);
  const folder = mkdtempSync(join(tmpdir(), "peach-fuzz-"));
  const runtime = await startRuntime({
    persistTo: join(folder, "state"),
    confPath: join(import.meta.dirname, "fuzz/peach.conf"),
    pipelinesDir: join(import.meta.dirname, "fuzz/pipelines"),
    env: { FUZZ_SECRET: SECRET, PEACH_API_TOKEN: TOKEN, PEACH_API_TOKENS: `reader:read:${await digestOf(READ_TOKEN)}` },
  });
  try {
    const openapi = await fetch(`${runtime.url}/api/v1/openapi.json`, {
      headers: { Authorization: `Bearer ${TOKEN}` },
    });
    const result = await runCampaign({
      calls: describedCalls(await openapi.json()),
      requests,
      seed,
      width: WIDTH,
      authorizations: [`Bearer ${TOKEN}`, `Bearer ${READ_TOKEN}`, "Bearer wrong", "Basic eDp5", ""],
      secrets: [TOKEN, READ_TOKEN, SECRET],
      known: [
        ...Object.keys(runtime.project.plan.tasks),
        ...runtime.project.plan.endpoints.map(({ name }) => name),
        "uploads",
        "happened",
      ],
      send: (request) => send(runtime.url, request),
    });
    const statuses = Object.fromEntries([...result.statuses].toSorted(([a], [b]) => a - b));
    const { faults, succeeded } = result;
    if (given.json === true)
      console.log(JSON.stringify({ seed, requests, statuses, succeeded: [...succeeded], faults }));
    else {
      console.log(
        `${requests} requests, answered with ${JSON.stringify(statuses)}; ${succeeded.size} calls succeeded at least once`,
      );
      for (const fault of faults.slice(0, SHOWN_FAULTS)) console.log(describeFault(fault));
      console.log(faults.length === 0 ? "no fault" : `${faults.length} faults; again: npm run fuzz -- --seed ${seed}`);
    }
    return faults.length === 0 ? 0 : 1;
  } finally {
    await runtime.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function send(url: string, { method, path, headers, body }: FuzzedRequest): Promise<FuzzedAnswer> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), ANSWER_LIMIT_MS);
  try {
    const response = await fetch(url + path, { method, headers, body, signal: limit.signal, redirect: "manual" });
    const contentType = response.headers.get("Content-Type") ?? "";
    // A stream of events ends when its run does.
    const text = contentType.startsWith("text/event-stream") ? "" : (await response.text()).slice(0, READ_LIMIT_BYTES);
    return { status: response.status, contentType, text };
  } finally {
    clearTimeout(timer);
    limit.abort();
  }
}

function describeFault({ why, request: { method, path, headers, body }, answer }: Fault): string {
  const sent = typeof body === "string" ? body.slice(0, 200) : `${body?.byteLength ?? 0} bytes`;
  return `\n${method} ${path}\n${JSON.stringify(headers)}\n${sent}\n=> ${why}: ${answer?.text.slice(0, 500) ?? ""}`;
}

async function digestOf(text: string): Promise<string> {
  return Buffer.from(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toString("hex");
}

/** Throws `UsageError` for anything else than a whole number. */
function parseCount(name: string, text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new UsageError(`--${name} takes a whole number, given ${JSON.stringify(text)}.`);
  return Number(text);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
  } else if (error instanceof RuntimeStartError) {
    console.error(error.message);
    process.exitCode = 1;
  } else {
    throw error;
  }
}
