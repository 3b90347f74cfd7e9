/**
 * The deployment under test: a pipeline of its own on the local runtime, its secrets, and the
 * target of each kind of request.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import * as z from "zod";
import { Prng } from "../chaos/prng.ts";
import { workerdsOf } from "../resident-memory.ts";
import type { Serve } from "../../src/local/runtime-process.ts";
import { startRuntime, type LocalRuntime } from "../../src/local/runtime.ts";
import type { Campaign } from "./campaign.ts";
import { describedCalls } from "./described-calls.ts";
import { hostileBodies } from "./hostile-bodies.ts";
import { send } from "./send.ts";
import type { Siege } from "./siege.ts";
import { ENDPOINT_SECRET, signed, WEBHOOK_SECRET } from "./signing.ts";
import { WAYS_IN } from "./ways-in.ts";

const TOKEN = ["fuzz", "admin", "token", "6f1d", "b2c4"].join("-");
const READ_TOKEN = ["fuzz", "read", "token", "83aa", "c0de"].join("-");
const SECRETS = [TOKEN, READ_TOKEN, ENDPOINT_SECRET, WEBHOOK_SECRET];

/** Starts the deployment with this state folder; `serve` replaces `wrangler dev`. */
export async function startFuzzed(persistTo: string, serve?: Serve): Promise<LocalRuntime> {
  const digest = createHash("sha256").update(READ_TOKEN).digest("hex");
  return startRuntime({
    persistTo,
    confPath: join(import.meta.dirname, "peach.conf"),
    pipelinesDir: join(import.meta.dirname, "pipelines"),
    ...(serve !== undefined && { serve }),
    env: {
      FUZZ_SECRET: ENDPOINT_SECRET,
      FUZZ_WEBHOOK_SECRET: WEBHOOK_SECRET,
      PEACH_API_TOKEN: TOKEN,
      PEACH_API_TOKENS: `reader:read:${digest}`,
    },
  });
}

/** Creates a campaign for all described calls and all other ways in. */
export async function campaignOf(
  runtime: LocalRuntime,
  how: Pick<Campaign, "requests" | "seed" | "width">,
): Promise<Campaign> {
  const openapi = await fetch(`${runtime.url}/api/v1/openapi.json`, {
    headers: { Authorization: `Bearer ${TOKEN}` },
  });
  const { tasks, endpoints } = runtime.project.plan;
  return {
    ...how,
    calls: describedCalls(await openapi.json()),
    ways: WAYS_IN,
    authorizations: [`Bearer ${TOKEN}`, `Bearer ${READ_TOKEN}`, "Bearer wrong", "Basic eDp5", ""],
    secrets: SECRETS,
    known: [
      ...Object.keys(tasks),
      ...endpoints.map(({ name }) => name),
      "uploads",
      "happened",
      ...(await completionPaths(runtime.url)),
    ],
    send: (request) => send(runtime.url, request),
  };
}

/** Paths of completion URLs of waiting tasks. */
async function completionPaths(url: string): Promise<string[]> {
  const paths: string[] = [];
  for (let count = 0; count < WAITING_TASKS; count += 1) {
    const triggered = await fetch(`${url}/api/v1/tasks/ask/trigger`, {
      method: "POST",
      headers: API,
    });
    const { run_id: id } = accepted.parse(await triggered.json());
    for (let tries = 0; tries < MOST_LOOKS && paths.length <= count; tries += 1) {
      const run = await (await fetch(`${url}/api/v1/runs/${id}`, { headers: API })).text();
      paths.push(...(COMPLETION.exec(run)?.slice(1, 2) ?? []));
      if (paths.length <= count) await setTimeout(LOOK_PAUSE_MS);
    }
  }
  return paths;
}

const accepted = z.object({ run_id: z.string() });
const COMPLETION = /:\d+(\/complete\/[^"]+)"/;
const WAITING_TASKS = 5;
const MOST_LOOKS = 100;
const LOOK_PAUSE_MS = 100;

const API = { Authorization: `Bearer ${TOKEN}` };

/** Ways in that read a body. */
const TARGETS: Siege["targets"] = {
  "object events": () => ({ path: "/objects", headers: {} }),
  "an endpoint that hands its body to a typed task": () => ({ path: "/relay", headers: {} }),
  "messages of SNS": () => ({ path: "/notices", headers: {} }),
  "an endpoint with a fallback": () => ({ path: "/safe", headers: {} }),
  "a typed task": () => ({ path: "/api/v1/tasks/texts/trigger", headers: API }),
  "a typed task with each": () => ({ path: "/api/v1/tasks/mapped/trigger", headers: API }),
  "a task with a record of unions": () => ({ path: "/api/v1/tasks/table/trigger", headers: API }),
  "a task that takes a tree": () => ({ path: "/api/v1/tasks/tree/trigger", headers: API }),
  "a task that takes a tree, with a key": () => ({
    path: "/api/v1/tasks/tree/trigger",
    headers: { ...API, "Idempotency-Key": "a tree" },
  }),
  "a task": () => ({ path: "/api/v1/tasks/sink/trigger", headers: API }),
  "an event": () => ({ path: "/api/v1/events/texts.came", headers: API }),
  "the log-in": () => ({
    path: "/dashboard/login",
    headers: { "Sec-Fetch-Site": "same-origin", "X-Peach-Dashboard": "1" },
  }),
  "an endpoint that wants a token": () => ({ path: "/tokens", headers: {} }),
  "a signed endpoint, unsigned": () => ({ path: "/payments", headers: {} }),
  "a signed endpoint, forged": () => ({
    path: "/plain",
    headers: { "X-Signature": "0".repeat(64) },
  }),
  "a signed endpoint": (bytes) => ({ path: "/payments", headers: signed("payments", bytes, 0) }),
};

/**
 * Creates a siege with bodies of this size and `requests` of all pairs of body and target. `wanted`
 * selects bodies.
 */
export function siegeOf(
  { url, pids }: LocalRuntime,
  how: {
    readonly seed: number;
    readonly size: number;
    readonly requests: number;
    readonly wanted?: ReadonlySet<string>;
  },
): Siege {
  const { wanted } = how;
  return {
    url,
    pids: workerdsOf(pids),
    bodies: hostileBodies(how.size).filter(({ name }) => wanted?.has(name) ?? true),
    targets: TARGETS,
    requests: how.requests,
    prng: new Prng(how.seed),
    secrets: SECRETS,
    send: (request) => send(url, request),
  };
}
