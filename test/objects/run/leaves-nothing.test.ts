import { createExecutionContext, createMessageBatch } from "cloudflare:test";
import { driven } from "../../support/driven-object.ts";
import { env } from "../../support/env.ts";
import { objectIds } from "../../support/object-ids.ts";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { z } from "zod";
import type { RunId } from "../../../src/domain/ids.ts";
import { listedTasks } from "../../../src/objects/catalog/catalog-client.ts";
import { callRun } from "../../../src/objects/run/run-client.ts";
import { triggerTaskWithEvent } from "../../../src/task-helpers.ts";
import { consumeR2Events } from "../../../src/triggers/r2-events.ts";
import { acceptorOf, edge } from "../../support/edge.ts";
import { endpointPlan, planOf, r2Rule, taskPlan } from "../../support/plan.ts";
import { PROVIDERS } from "../../support/signed.ts";
import { nextCall } from "../../support/pool/pipelines/scripted.ts";

const START = Date.UTC(2027, 0, 1);
const RETENTION_MS = 60_000;
const MOST_ROUNDS = 20;
/** Stands in every payload, key, header, error and log line of this test, and in no name of the deployment. */
const PERSONAL = "anna.muster@example.org";

const PLAN = planOf(
  [
    taskPlan("echo"),
    taskPlan("uploaded", { method: "echo", on: { r2: [r2Rule({ prefix: "people/" })], events: [] } }),
    taskPlan("debounced", { method: "echo", debounce: { delayMs: 1, maxWaitMs: null, key: ["user"] } }),
    taskPlan("limited", {
      method: "echo",
      limits: {
        concurrency: { limit: 1, key: ["user"], strategy: "queue" },
        rateLimit: { limit: 9, perMs: 1_000, key: ["user"] },
        priority: 0,
      },
    }),
    taskPlan("failing", { method: "scripted", retries: { ...taskPlan("failing").retries, limit: 0 } }),
  ],
  {
    retentionMs: RETENTION_MS,
    inlineLimitBytes: 1_000,
    endpoints: [
      endpointPlan("hook", { method: "hook", methods: ["POST"], maxBodyBytes: 100_000 }),
      endpointPlan("signed", {
        method: "answers",
        auth: PROVIDERS.github.auth,
        rateLimit: { limit: 5, perMs: 30_000, by: { type: "query", name: "who" } },
      }),
    ],
  },
);
const send = edge(PLAN, {
  registry: {
    endpoints: {
      hook: async (request) => {
        await triggerTaskWithEvent("echo", await request.text());
      },
      answers: (request) => ({ to: new URL(request.url).searchParams.get("who"), of: PERSONAL }),
    },
  },
  env: { HOOK_SECRET: PROVIDERS.github.secret },
});

/** All objects of a class. */
function objectsOf<T extends Rpc.DurableObjectBranded>(className: string, namespace: DurableObjectNamespace<T>) {
  const stubs = async (): Promise<DurableObjectStub<T>[]> =>
    (await objectIds(className, namespace)).map((id) => namespace.get(id));
  return {
    each: async (look: (storage: DurableObjectStorage) => void): Promise<void> => {
      for (const stub of await stubs()) await driven(stub).inside(({ storage }) => look(storage));
    },
    /** Fires the alarms that are due; whether there was one. */
    wake: async (): Promise<boolean> => {
      const fired = (await stubs()).map((stub) => driven(stub).wakeIfDue());
      return (await Promise.all(fired)).includes(true);
    },
  };
}

const CLASSES = {
  RUNS: objectsOf("RunObject", env.RUNS),
  EXECUTORS: objectsOf("ExecutorObject", env.EXECUTORS),
  DELIVERIES: objectsOf("DeliveriesObject", env.DELIVERIES),
  DEAD_LETTERS: objectsOf("DeadLettersObject", env.DEAD_LETTERS),
  SCHEDULES: objectsOf("SchedulesObject", env.SCHEDULES),
  DEBOUNCES: objectsOf("DebounceObject", env.DEBOUNCES),
  LIMITS: objectsOf("LimitObject", env.LIMITS),
  LIMIT_LISTS: objectsOf("LimitListObject", env.LIMIT_LISTS),
  PAUSES: objectsOf("PausesObject", env.PAUSES),
  OBJECT_VERSIONS: objectsOf("ObjectVersionsObject", env.OBJECT_VERSIONS),
  DEATHS: objectsOf("DeathsObject", env.DEATHS),
  CATALOG: objectsOf("CatalogObject", env.CATALOG),
  TASK_DIRECTORY: objectsOf("TaskDirectoryObject", env.TASK_DIRECTORY),
  IDENTITY: objectsOf("IdentityObject", env.IDENTITY),
} as const;

/** Those that begin with _cf_ are the platform's own. */
const READ_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'";

/** How many rows each table has, over all objects of a class, and all that stands in them. */
async function stored(): Promise<{ rows: Record<string, number>; text: string }> {
  const rows: Record<string, number> = {};
  const texts: string[] = [];
  for (const [name, objects] of Object.entries(CLASSES)) {
    await objects.each(({ sql }) => {
      for (const { name: table } of sql.exec<{ name: string }>(READ_TABLES).toArray()) {
        const found = sql.exec(`SELECT * FROM "${table}"`).toArray();
        if (found.length > 0) rows[`${name}.${table}`] = (rows[`${name}.${table}`] ?? 0) + found.length;
        for (const value of found.flatMap((row) => Object.values(row)))
          texts.push(value instanceof ArrayBuffer ? new TextDecoder("latin1").decode(value) : String(value));
      }
    });
  }
  const objects = (await env.PAYLOADS.list()).objects.map(({ key }) => key);
  if (objects.length > 0) rows["PAYLOADS"] = objects.length;
  return { rows, text: [...texts, ...objects].join("\n") };
}

/** Fires what is due, until nothing is any more. */
async function wakeAll(): Promise<void> {
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const fired: boolean[] = [];
    for (const objects of Object.values(CLASSES)) fired.push(await objects.wake());
    if (!fired.includes(true)) return;
  }
  throw new Error(`something is due after ${MOST_ROUNDS} rounds`);
}

async function finished(runId: RunId): Promise<void> {
  expect(await callRun(env, runId, (run) => run.untilFinal(20_000))).not.toBe(null);
}

const accepted = z.object({ run_id: z.custom<RunId>() });

async function trigger(task: string, payload: unknown, key = PERSONAL): Promise<RunId> {
  const init = {
    method: "POST",
    body: JSON.stringify(payload),
    headers: { "Content-Type": "application/json", "Idempotency-Key": key },
  };
  const response = await send(`/api/v1/tasks/${task}/trigger`, init);
  expect(response.status).toBe(202);
  return accepted.parse(await response.json()).run_id;
}

beforeEach(() => {
  vi.setSystemTime(START);
  for (const level of ["info", "warn", "error"] as const) vi.spyOn(console, level).mockImplementation(() => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it("nothing of what came in, ran and failed is left after retention, in any object and in R2, but digests and metrics", async () => {
  const body = `${PERSONAL} ${"x".repeat(2_000)}`;
  const hooked = await send(`/hook?who=${PERSONAL}`, { method: "POST", body, headers: { "X-Who": PERSONAL } });
  const { runs } = z.object({ runs: z.array(accepted) }).parse(await hooked.json());
  const { secret, sign } = PROVIDERS.github;
  const signed = sign(secret, { by: PERSONAL }, { id: PERSONAL, at: START });
  // Let in, sent again, and refused.
  for (const headers of [signed.headers, signed.headers, {}])
    await send(`/signed?who=${PERSONAL}`, { method: "POST", body: signed.body, headers });
  const event = {
    account: "a",
    action: "PutObject",
    bucket: "uploads",
    object: { key: `people/${PERSONAL}`, size: 1, eTag: "e" },
    eventTime: "2027-01-01T00:00:00.000Z",
  };
  const bodies = [event, { not: "understood", by: PERSONAL }];
  const messages = bodies.map((given, id) => ({
    id: String(id),
    timestamp: new Date(START),
    attempts: 1,
    body: given,
  }));
  const batch = createMessageBatch("peach-r2-events", messages);
  await consumeR2Events({ plan: PLAN, acceptTrigger: acceptorOf(PLAN) }, batch, env, createExecutionContext());
  const triggered = [
    ...runs.map(({ run_id }) => run_id),
    await trigger("debounced", { user: PERSONAL }, "a key"),
    await trigger("limited", { user: PERSONAL }),
  ];
  const failing = await trigger("failing", { user: PERSONAL });
  const call = await nextCall(failing, "failing");
  call.task.log.info(`for ${PERSONAL}`);
  call.fail(new Error(`cannot serve ${PERSONAL}`));
  vi.setSystemTime(START + 1_000);
  await wakeAll();
  for (const runId of [...triggered, failing]) await finished(runId);

  // A report that comes after the retention registers no task.
  await vi.waitFor(async () => expect(await listedTasks(env)).toHaveLength(5), { timeout: 20_000 });
  const before = await stored();
  expect(before.text).toContain(PERSONAL);
  expect(before.rows).toMatchObject({
    "RUNS.journal": expect.any(Number),
    "DELIVERIES.deliveries": 2,
    "DELIVERIES.refused": 2,
    "DELIVERIES.signed": 1,
    "DELIVERIES.callers": 1,
    "DEAD_LETTERS.letters": 1,
    "OBJECT_VERSIONS.versions": 1,
    PAYLOADS: expect.any(Number),
  });

  await wakeAll();
  vi.setSystemTime(START + 1_000 + RETENTION_MS + 60_000);
  await wakeAll();
  const { text, rows } = await stored();
  // What a debounce object knows of late repeats is a digest.
  const left = Object.entries(rows).filter(([table]) => !table.startsWith("DEBOUNCES."));
  expect(Object.fromEntries(left)).toEqual({
    // Figures, and which tasks there are.
    "CATALOG.state": expect.any(Number),
    "TASK_DIRECTORY.tasks": 5,
    // Numbers that were given as cursors, and are not given again.
    "DEAD_LETTERS.sqlite_sequence": 1,
    // The deployment's key, which belongs to nobody.
    "IDENTITY.deployment_key": 1,
    "IDENTITY.schema_versions": 1,
    // A digest of what was signed, by which it is known when it is sent again.
    "DELIVERIES.schema_versions": 2,
    "DELIVERIES.signed": 1,
    // A digest of the object's key and etag, by which a late notification is known.
    "OBJECT_VERSIONS.versions": 1,
  });
  expect(text).not.toContain(PERSONAL);
});
