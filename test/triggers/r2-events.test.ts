import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "../support/env.ts";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { ok, refuse } from "../../src/domain/problem.ts";
import type { TriggerOrigin } from "../../src/domain/trigger.ts";
import { openPayload } from "../../src/payloads/payload-store.ts";
import { callRun } from "../../src/objects/run/run-client.ts";
import type { AcceptTrigger } from "../../src/triggers/accept.ts";
import { runIdFor } from "../../src/triggers/run-id.ts";
import { consumeR2Events } from "../../src/triggers/r2-events.ts";
import type { R2Notification } from "../../src/triggers/r2-notification.ts";
import { versionKeyOf } from "../../src/triggers/r2-notification.ts";
import { LOOP_MARK_NAME, encodeLoopMark } from "../../src/triggers/loop-guard.ts";
import { clearDeadLetters, deadLetters, WITHOUT_DEAD_LETTERS } from "../support/dead-letters.ts";
import { acceptorOf } from "../support/edge.ts";
import { newRunId } from "../support/hand-driven.ts";
import { planOf, r2Rule, taskPlan } from "../support/plan.ts";

const on = { r2: [r2Rule({ prefix: "audio/", suffix: ".mp3" })] };
// Both run the pool's `echo`.
const PLAN = planOf([
  taskPlan("transcribe", { method: "echo", on }),
  taskPlan("index", { method: "echo", on }),
  taskPlan("forget", { method: "echo", on: { r2: [r2Rule({ actions: ["delete"] })] } }),
]);

function notification(overrides: Partial<R2Notification> = {}): R2Notification {
  return {
    account: "3f4b7e3dcab231cbfdaa90a6a28bd548",
    action: "PutObject",
    bucket: "uploads",
    object: { key: `audio/${crypto.randomUUID()}.mp3`, size: 65_536, eTag: "c846ff7a18f28c2e262116d6e8719ef0" },
    eventTime: "2026-05-24T19:36:44.379Z",
    ...overrides,
  };
}

interface Outcome {
  readonly acked: readonly string[];
  readonly retried: readonly string[];
}

/** Consumes bodies as one batch; the messages are called 0, 1, … */
async function consume(bodies: readonly unknown[], acceptTrigger = acceptorOf(PLAN), bindings = env): Promise<Outcome> {
  const timestamp = new Date("2026-01-02T03:04:05.006Z");
  const messages = bodies.map((body, id) => ({ id: String(id), timestamp, attempts: 1, body }));
  const batch = createMessageBatch("peach-r2-events", messages);
  const ctx = createExecutionContext();
  await consumeR2Events({ plan: PLAN, acceptTrigger }, batch, bindings, ctx);
  const { explicitAcks, retryMessages } = await getQueueResult(batch, ctx);
  return { acked: explicitAcks.toSorted(), retried: retryMessages.map(({ msgId }) => msgId) };
}

beforeEach(async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  await clearDeadLetters();
});

describe("an R2 notification", () => {
  it("an R2 notification starts one run of each task that it fits, with the object as payload", async () => {
    const event = notification();
    expect(await consume([event])).toEqual({ acked: ["0"], retried: [] });
    for (const task of ["transcribe", "index"]) {
      const runId = await runIdFor(env, task, versionKeyOf(event));
      const document = await callRun(env, runId, (run) => run.describe());
      expect(document).toMatchObject({
        task,
        trigger: { source: "r2", by: `uploads/${event.object.key}`, parent: null },
      });
      const stored = await callRun(env, runId, (run) => run.payload(null));
      if (!stored) throw new Error("the run has no payload");
      expect(await openPayload(env.PAYLOADS, stored, () => Promise.reject(new Error("not held")))).toEqual({
        bucket: "uploads",
        key: event.object.key,
        size: 65_536,
        etag: "c846ff7a18f28c2e262116d6e8719ef0",
        action: "PutObject",
        event_time: "2026-05-24T19:36:44.379Z",
        s3_uri: `s3://uploads/${event.object.key}`,
      });
    }
  });

  it("an R2 notification that comes five times, at once or again, starts one run", async () => {
    const accepted: boolean[] = [];
    const acceptTrigger: AcceptTrigger = async (...trigger) => {
      const answer = await acceptorOf(PLAN)(...trigger);
      if (answer.ok) accepted.push(answer.value.deduplicated);
      return answer;
    };
    const event = notification({
      bucket: "uploads",
      object: { key: `video/${crypto.randomUUID()}` },
      action: "DeleteObject",
    });
    expect((await consume([event, event, event], acceptTrigger)).acked).toEqual(["0", "1", "2"]);
    await consume([event, event], acceptTrigger);
    expect(accepted).toHaveLength(5);
    expect(accepted.filter((deduplicated) => !deduplicated)).toHaveLength(1);
  });

  it("an R2 notification of another version of the same object starts another run", async () => {
    const event = notification();
    const later = { ...event, eventTime: "2026-05-24T19:36:44.380Z" };
    expect(await runIdFor(env, "index", versionKeyOf(event))).not.toBe(
      await runIdFor(env, "index", versionKeyOf(later)),
    );
  });

  it.each([
    ["PutObject", ["echo all", "echo created"]],
    ["CopyObject", ["echo all", "echo created"]],
    ["CompleteMultipartUpload", ["echo all", "echo created"]],
    ["DeleteObject", ["echo all", "echo deleted"]],
    ["LifecycleDeletion", ["echo all", "echo deleted"]],
  ] as const)(
    "an R2 notification of %s triggers each task once that listens, however its rules overlap",
    async (action, tasks) => {
      const task = (name: string, ...rules: Parameters<typeof r2Rule>[0][]) =>
        taskPlan(name, { method: "echo", on: { r2: rules.map((rule) => r2Rule(rule)) } });
      const plan = planOf([
        task(
          "echo all",
          { actions: ["create", "delete"] },
          { prefix: "audio/" },
          { prefix: "aud", actions: ["delete"] },
        ),
        task("echo created", { prefix: "audio/" }, { suffix: ".mp3" }),
        task("echo deleted", { prefix: "audio/", actions: ["delete"] }),
        task("echo video", { prefix: "video/", actions: ["create", "delete"] }),
      ]);
      const triggered: string[] = [];
      const acceptTrigger: AcceptTrigger = async (_, __, trigger) => {
        triggered.push(trigger.task);
        return ok({
          runId: await runIdFor(env, trigger.task, null),
          task: trigger.task,
          status: "queued",
          deduplicated: false,
        });
      };
      const copySource = { bucket: "other", object: "audio/original.mp3" };
      const body = notification({ action, ...(action === "CopyObject" && { copySource }) });
      const batch = createMessageBatch("peach-r2-events", [{ id: "0", timestamp: new Date(0), attempts: 1, body }]);
      await consumeR2Events({ plan, acceptTrigger }, batch, env, createExecutionContext());
      expect(triggered).toEqual(tasks);
    },
  );

  it("an R2 notification delivered five times, out of order and a week late, starts one run of each object version", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-05-24T19:37:00Z") });
    const started: string[] = [];
    const acceptTrigger: AcceptTrigger = async (...trigger) => {
      const answer = await acceptorOf(PLAN)(...trigger);
      if (answer.ok && !answer.value.deduplicated) started.push(answer.value.runId);
      return answer;
    };
    // Three versions of one object, two of them of the same bytes.
    const key = `audio/${crypto.randomUUID()}.mp3`;
    const events = ["aaa", "bbb", "aaa"].map((eTag, second) =>
      notification({ object: { key, size: 3, eTag }, eventTime: `2026-05-24T19:36:4${second}.000Z` }),
    );
    await consume([...events.toReversed(), ...events], acceptTrigger);
    await consume(events, acceptTrigger);
    vi.setSystemTime(Date.now() + 7 * 86_400_000);
    await consume([...events.toReversed(), ...events], acceptTrigger);
    vi.useRealTimers();
    // Two tasks listen.
    expect(started).toHaveLength(3 * 2);
    expect(new Set(started).size).toBe(3 * 2);
  });

  it("an R2 notification of a deletion has no size and no etag, and triggers only what listens to deletions", async () => {
    const triggers: string[] = [];
    const acceptTrigger: AcceptTrigger = async (_, __, { task, payload }) => {
      triggers.push(`${task} ${await new Response(payload.body).text()}`);
      return ok({ runId: await runIdFor(env, task, null), task, status: "queued", deduplicated: false });
    };
    const object = { key: "audio/a.mp3" };
    await consume([notification({ action: "LifecycleDeletion", object })], acceptTrigger);
    expect(triggers).toEqual([expect.stringMatching(/^forget .*"size":null,"etag":null,"action":"LifecycleDeletion"/)]);
  });

  it("an R2 notification that nobody listens to is acknowledged", async () => {
    expect(await consume([notification({ bucket: "other" })])).toEqual({ acked: ["0"], retried: [] });
  });

  it("an R2 notification of a bucket that is not bound any more starts its run, by what the notification says", async () => {
    const event = notification();
    const unbound: Env = Object.assign(Object.create(env), { UPLOADS: undefined });
    expect(await consume([event], acceptorOf(PLAN), unbound)).toEqual({ acked: ["0"], retried: [] });
    const runId = await runIdFor(env, "index", versionKeyOf(event));
    expect(await callRun(env, runId, (run) => run.describe())).toMatchObject({ task: "index" });
    expect(await deadLetters()).toEqual([]);
  });
});

describe("an object that a task has written", () => {
  const runId = newRunId();
  const markedBy = (depth: number) => ({ [LOOP_MARK_NAME]: encodeLoopMark({ runId, task: "transcribe", depth }) });

  /** Puts an object and gives the origin of what its notification triggers. */
  async function originOf(customMetadata: Record<string, string>, content = "x"): Promise<TriggerOrigin | undefined> {
    const key = `audio/${crypto.randomUUID()}.mp3`;
    const etag = (await env.UPLOADS.put(key, "x"))?.etag;
    await env.UPLOADS.put(key, content, { customMetadata });
    const origins: TriggerOrigin[] = [];
    const acceptTrigger: AcceptTrigger = async (_, __, { origin, task }) => {
      origins.push(origin);
      return ok({ runId, task, status: "queued", deduplicated: false });
    };
    await consume([notification({ object: { key, size: 1, eTag: etag } })], acceptTrigger);
    expect(origins[0]?.by).toBe(`uploads/${key}`);
    return origins[0];
  }

  it("an object that a task has written triggers runs that name it as their parent, one deeper than it", async () => {
    expect(await originOf(markedBy(4))).toMatchObject({ parent: { runId, task: "transcribe" }, depth: 5 });
  });

  it("an object that a task has written and written over before the message came gives its depth, but is not taken for the author", async () => {
    expect(await originOf(markedBy(4), "other bytes")).toMatchObject({ parent: null, depth: 5 });
  });

  it.each([{}, { [LOOP_MARK_NAME]: "by hand" }, { [LOOP_MARK_NAME]: "run_1/transcribe/4" }])(
    "an object that a task has written has a mark; without one it came from outside: %j",
    async (metadata) => {
      const origin = await originOf(metadata);
      expect(origin?.parent).toBeNull();
      expect(origin?.depth).toBeUndefined();
    },
  );

  it("an object that a task has written at the end of a chain of 32 triggers nothing more, and is recorded with that reason", async () => {
    const key = `audio/${crypto.randomUUID()}.mp3`;
    const customMetadata = markedBy(32);
    const { etag } = await env.UPLOADS.put(key, "x", { customMetadata });
    const event = notification({ object: { key, size: 1, eTag: etag } });
    expect(await consume([event])).toEqual({ acked: ["0"], retried: [] });
    const [letter] = await deadLetters();
    expect(letter?.detail).toMatch(/"transcribe" refused it \(trigger_depth\).*"index" refused it/s);
    expect(await callRun(env, await runIdFor(env, "index", versionKeyOf(event)), (run) => run.describe())).toBeNull();
  });
});

describe("when the surroundings fail", () => {
  it("a message comes again, and the others of the batch do not", async () => {
    const stuck = notification();
    const acceptTrigger: AcceptTrigger = (e, lifetime, trigger) =>
      trigger.task === "index" && trigger.origin.by.endsWith(stuck.object.key)
        ? Promise.resolve(refuse({ code: "overloaded", detail: "", hint: "" }))
        : acceptorOf(PLAN)(e, lifetime, trigger);
    expect(await consume([notification(), stuck, notification()], acceptTrigger)).toEqual({
      acked: ["0", "2"],
      retried: ["1"],
    });
    // The second time it finds the run that the first time started.
    expect(await consume([stuck])).toEqual({ acked: ["0"], retried: [] });
    expect(await deadLetters()).toEqual([]);
  });

  it("a throw brings the message again, too", async () => {
    const acceptTrigger: AcceptTrigger = () => Promise.reject(new Error("a bug"));
    expect(await consume([notification()], acceptTrigger)).toEqual({ acked: [], retried: ["0"] });
  });

  it("a message that was not understood comes again if it could not be recorded", async () => {
    const outcome = await consume([{ nothing: true }], acceptorOf(PLAN), WITHOUT_DEAD_LETTERS);
    expect(outcome).toEqual({ acked: [], retried: ["0"] });
  });
});

describe("what will never be a run", () => {
  it.each([
    ["no object", { ...notification(), object: undefined }, "object"],
    ["an unknown action", { ...notification(), action: "RenameObject" }, "action"],
    ["a text", "hello", "expected object"],
    ["nothing", null, "expected object"],
    ["no time", { ...notification(), eventTime: "yesterday" }, "eventTime"],
  ])(
    "what will never be a run is recorded as a dead letter with its reason, then acknowledged: %s",
    async (_, body, reason) => {
      expect(await consume([body])).toEqual({ acked: ["0"], retried: [] });
      expect(await deadLetters()).toEqual([
        {
          id: expect.stringMatching(/^dlt_/),
          queue: "peach-r2-events",
          reason: "not_understood",
          detail: expect.stringContaining(reason),
          body: JSON.stringify(body),
          receivedAt: expect.any(Number),
          attempts: 1,
          expiresAt: expect.any(Number),
        },
      ]);
    },
  );

  it("what will never be a run is recorded if the input of a task refuses it; the other tasks have their runs", async () => {
    const input = z.object({ user: z.string() });
    const registry = {
      tasks: { strict: { kind: "peach.task", input, output: null, run: () => null } as const },
      endpoints: {},
    };
    const plan = planOf([taskPlan("strict", { on }), taskPlan("index", { method: "echo", on })]);
    const event = notification();
    const timestamp = new Date(0);
    const batch = createMessageBatch("peach-r2-events", [{ id: "0", timestamp, attempts: 1, body: event }]);
    const ctx = createExecutionContext();
    await consumeR2Events({ plan, acceptTrigger: acceptorOf(plan, registry) }, batch, env, ctx);
    expect((await getQueueResult(batch, ctx)).explicitAcks).toEqual(["0"]);
    const [letter] = await deadLetters();
    expect(letter?.detail).toMatch(/"strict".*invalid_payload.*\$\.user/);
    const runId = await runIdFor(env, "index", versionKeyOf(event));
    expect(await callRun(env, runId, (run) => run.describe())).not.toBeNull();
  });
});
