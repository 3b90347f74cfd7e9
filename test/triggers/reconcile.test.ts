import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { driven } from "../support/driven-object.ts";
import { env } from "../support/env.ts";
import { objectIds } from "../support/object-ids.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunId } from "../../src/domain/ids.ts";
import type { Plan } from "../../src/domain/plan/plan.ts";
import { refuse } from "../../src/domain/problem.ts";
import { callRun } from "../../src/objects/run/run-client.ts";
import type { AcceptTrigger } from "../../src/triggers/accept.ts";
import { consumeR2Events } from "../../src/triggers/r2-events.ts";
import type { R2Notification } from "../../src/triggers/r2-notification.ts";
import { reconcilePage, type ReconcilePage, type ReconcileRequest } from "../../src/triggers/reconcile.ts";
import { LOOP_MARK_NAME, encodeLoopMark } from "../../src/triggers/loop-guard.ts";
import { newRunId } from "../support/hand-driven.ts";
import { acceptorOf, edge } from "../support/edge.ts";
import { loseMessages } from "../support/lost-messages.ts";
import { planOf, r2Rule, taskPlan } from "../support/plan.ts";

const DAY = 86_400_000;
/** R2's clock of notifications is not that of uploads. */
const SKEW_MS = 37;
let places = 0;

beforeEach(() => {
  loseMessages();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A prefix of its own, with two tasks that listen to it, and the runs that were started. */
function place(overrides: Partial<Plan> = {}) {
  places += 1;
  const prefix = `place-${places}/`;
  const on = { r2: [r2Rule({ prefix, suffix: ".mp3" })] };
  const plan = planOf([taskPlan("echo", { on }), taskPlan("index", { method: "echo", on })], {
    retentionMs: 30 * DAY,
    ...overrides,
  });
  const started: { task: string; key: string; runId: RunId }[] = [];
  const acceptTrigger: AcceptTrigger = async (bindings, lifetime, trigger) => {
    const answer = await acceptorOf(plan)(bindings, lifetime, trigger);
    if (answer.ok && !answer.value.deduplicated)
      started.push({ task: trigger.task, key: trigger.origin.by, runId: answer.value.runId });
    return answer;
  };
  const dependencies = { plan, acceptTrigger, callRun };

  return {
    prefix,
    plan,
    started,
    keysStarted: () => started.map(({ task, key }) => `${task} ${key.replace(`uploads/${prefix}`, "")}`).toSorted(),

    /** Puts an object and gives the notification that R2 makes of it. */
    async put(name: string, content = "x", customMetadata = {}): Promise<R2Notification> {
      const key = prefix + name;
      const { size, etag, uploaded } = await env.UPLOADS.put(key, content, { customMetadata });
      const eventTime = new Date(uploaded.getTime() - SKEW_MS).toISOString();
      return { account: "a", action: "PutObject", bucket: "uploads", object: { key, size, eTag: etag }, eventTime };
    },

    async notify(...events: readonly R2Notification[]): Promise<void> {
      const messages = events.map((body, id) => ({ id: String(id), timestamp: new Date(), attempts: 1, body }));
      const batch = createMessageBatch("peach-r2-events", messages);
      const ctx = createExecutionContext();
      await consumeR2Events(dependencies, batch, env, ctx);
      expect((await getQueueResult(batch, ctx)).explicitAcks).toHaveLength(events.length);
    },

    reconcile(request: Partial<ReconcileRequest> = {}): Promise<ReconcilePage> {
      const whole = {
        bucket: env.UPLOADS,
        name: "uploads",
        prefix,
        since: 0,
        isDryRun: false,
        cursor: null,
        limit: 100,
      };
      return reconcilePage(dependencies, env, createExecutionContext(), { ...whole, ...request });
    },
  };
}

describe("after notifications were lost", () => {
  it("exactly what notifications have missed is triggered, and a second time nothing", async () => {
    const here = place();
    const events = [];
    for (const name of ["1.mp3", "2.mp3", "3.mp3", "4.mp3", "5.txt"]) events.push(await here.put(name));
    await here.notify(...events.filter(({ object }) => /[13]\.mp3$/.test(object.key)));
    expect(here.keysStarted()).toEqual(["echo 1.mp3", "echo 3.mp3", "index 1.mp3", "index 3.mp3"]);
    here.started.length = 0;

    const page = await here.reconcile();
    expect(page).toMatchObject({ listed: 5, matching: 4, tooOld: 0, refused: [], cursor: null });
    expect(here.keysStarted()).toEqual(["echo 2.mp3", "echo 4.mp3", "index 2.mp3", "index 4.mp3"]);
    expect(page.missed.map(({ runId }) => runId).toSorted()).toEqual(here.started.map(({ runId }) => runId).toSorted());
    expect((await here.reconcile()).missed).toEqual([]);
  });

  it("notifications that come after all, twice and out of order, find the runs", async () => {
    const here = place();
    const events = [await here.put("1.mp3"), await here.put("2.mp3")];
    await here.reconcile();
    expect(here.started).toHaveLength(4);
    await here.notify(...events.toReversed(), ...events);
    expect(here.started).toHaveLength(4);
  });

  it("late notifications find the runs also when the objects were overwritten or deleted since", async () => {
    const here = place();
    const [changed, deleted] = [await here.put("1.mp3"), await here.put("2.mp3")];
    await here.reconcile();
    await here.put("1.mp3", "other bytes");
    await env.UPLOADS.delete(deleted.object.key);
    await here.notify(deleted, changed, changed);
    expect(here.started).toHaveLength(4);
    // The new bytes are a version of their own, whose notification is lost.
    await here.reconcile();
    expect(here.started).toHaveLength(6);
  });

  it("late notifications find the runs for 14 days, in which a queue may still deliver them, also where retention is an hour", async () => {
    const here = place({ retentionMs: 3_600_000 });
    const event = await here.put("1.mp3");
    await here.reconcile();
    // The runs wait for something, as external tasks do, and are there for longer than their retention.
    expect(here.started).toHaveLength(2);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 13.9 * DAY });
    for (const id of await objectIds("ObjectVersionsObject", env.OBJECT_VERSIONS))
      await driven(env.OBJECT_VERSIONS.get(id)).wake();
    await here.notify(event);
    expect(here.started).toHaveLength(2);
  });

  it("the same bytes put again are missed too", async () => {
    const here = place();
    await here.notify(await here.put("1.mp3"));
    const again = await here.put("1.mp3");
    const page = await here.reconcile();
    expect(page.missed.map(({ task }) => task).toSorted()).toEqual(["echo", "index"]);
    await here.notify({ ...again, eventTime: new Date(Date.parse(again.eventTime) + 1_000).toISOString() });
    expect(here.started).toHaveLength(4);
  });

  it("a run that could not be recorded is triggered, though the version is known", async () => {
    const here = place();
    const event = await here.put("1.mp3");
    // As after a message that was given up: the version was met, one of its runs was not.
    const refusing: AcceptTrigger = async (bindings, lifetime, trigger) =>
      trigger.task === "index"
        ? { ok: false, problem: { code: "overloaded", detail: "d", hint: "h" } }
        : acceptorOf(here.plan)(bindings, lifetime, trigger);
    const batch = createMessageBatch("peach-r2-events", [
      { id: "0", timestamp: new Date(), attempts: 50, body: event },
    ]);
    await consumeR2Events({ plan: here.plan, acceptTrigger: refusing }, batch, env, createExecutionContext());
    expect((await here.reconcile()).missed).toMatchObject([{ task: "index", key: event.object.key }]);
  });

  describe("of a task with debounce", () => {
    function debounced() {
      const here = place();
      const debounce = { delayMs: 60_000, maxWaitMs: null, key: ["key"] };
      const plan = planOf([taskPlan("echo", { debounce, on: { r2: [r2Rule({ prefix: here.prefix })] } })]);
      let refusals = 0;
      const acceptTrigger: AcceptTrigger = async (bindings, lifetime, trigger) =>
        refusals-- > 0
          ? refuse({ code: "overloaded", detail: "not now", hint: "" })
          : acceptorOf(plan)(bindings, lifetime, trigger);
      const dependencies = { plan, acceptTrigger, callRun };
      const request = { bucket: env.UPLOADS, name: "uploads", prefix: here.prefix, since: 0, cursor: null, limit: 100 };
      return {
        put: (name: string) => here.put(name),
        refuseNext: () => void (refusals = 1),
        async notify(event: R2Notification): Promise<void> {
          const body = { id: crypto.randomUUID(), timestamp: new Date(), attempts: 1, body: event };
          const batch = createMessageBatch("peach-r2-events", [body]);
          await consumeR2Events(dependencies, batch, env, createExecutionContext());
        },
        async missed(isDryRun = false): Promise<string[]> {
          const page = await reconcilePage(dependencies, env, createExecutionContext(), { ...request, isDryRun });
          return page.missed.map(({ key }) => key.replace(here.prefix, "")).toSorted();
        },
      };
    }

    it("exactly what notifications of a task with debounce have missed is triggered, and a second time nothing", async () => {
      const here = debounced();
      await here.notify(await here.put("1.mp3"));
      await here.put("2.mp3");
      expect(await here.missed(true)).toEqual(["2.mp3"]);
      expect(await here.missed()).toEqual(["2.mp3"]);
      expect(await here.missed(true)).toEqual([]);
      expect(await here.missed()).toEqual([]);
    });

    it("what was refused is missed still, and triggered the next time", async () => {
      const here = debounced();
      await here.put("1.mp3");
      here.refuseNext();
      expect(await here.missed()).toEqual([]);
      expect(await here.missed(true)).toEqual(["1.mp3"]);
      expect(await here.missed()).toEqual(["1.mp3"]);
      expect(await here.missed()).toEqual([]);
    });
  });
});

describe("a reconciliation", () => {
  it("a reconciliation gives the tasks what the notification would have given, and says that the object triggered them", async () => {
    const here = place();
    const event = await here.put("1.mp3");
    const { missed } = await here.reconcile();
    const [first] = missed;
    if (first === undefined) throw new Error("nothing was missed");
    const document = await callRun(env, first.runId, (run) => run.describe());
    expect(document?.trigger).toEqual({
      source: "r2",
      by: `uploads/${event.object.key}`,
      parent: null,
      replay_of: null,
    });
    const payload = await callRun(env, first.runId, (run) => run.payload(null));
    const text = payload?.at === "inline" ? new TextDecoder().decode(payload.bytes) : "";
    expect(JSON.parse(text)).toEqual({
      bucket: "uploads",
      key: event.object.key,
      size: 1,
      etag: event.object.eTag,
      action: "PutObject",
      event_time: new Date(Date.parse(event.eventTime) + SKEW_MS).toISOString(),
      s3_uri: `s3://uploads/${event.object.key}`,
    });
  });

  it("a reconciliation tells of an object that was uploaded in parts as its notification does: CompleteMultipartUpload", async () => {
    const here = place();
    const key = `${here.prefix}1.mp3`;
    const upload = await env.UPLOADS.createMultipartUpload(key);
    await upload.complete([await upload.uploadPart(1, "x")]);
    const { missed } = await here.reconcile();
    expect(missed.map((one) => [one.key, one.task])).toEqual([
      [key, "echo"],
      [key, "index"],
    ]);
    const payload = await callRun(env, missed[0]?.runId ?? newRunId(), (run) => run.payload(null));
    const text = payload?.at === "inline" ? new TextDecoder().decode(payload.bytes) : "";
    expect(JSON.parse(text)).toMatchObject({ key, action: "CompleteMultipartUpload" });
  });

  it("a reconciliation only tells what it would trigger with a dry run, which changes nothing", async () => {
    const here = place();
    await here.notify(await here.put("1.mp3"));
    await here.put("2.mp3");
    here.started.length = 0;
    const told = (await here.reconcile({ isDryRun: true })).missed;
    for (let time = 0; time < 2; time += 1) {
      const { missed } = await here.reconcile({ isDryRun: true });
      expect(missed).toEqual(told);
      expect(missed.map(({ key, task }) => `${task} ${key}`).toSorted()).toEqual([
        `echo ${here.prefix}2.mp3`,
        `index ${here.prefix}2.mp3`,
      ]);
    }
    expect(here.started).toEqual([]);
    // By the names that the runs then have.
    expect((await here.reconcile()).missed).toEqual(told);
  });

  it("a reconciliation leaves out what is older than asked for, and counts what is older than retention: those runs may be gone", async () => {
    const here = place();
    await here.put("1.mp3");
    expect(await here.reconcile({ since: Date.now() + 60_000 })).toMatchObject({ matching: 0, tooOld: 0, missed: [] });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 31 * DAY });
    expect(await here.reconcile()).toMatchObject({ listed: 1, matching: 0, tooOld: 1, missed: [] });
    expect(here.started).toEqual([]);
  });

  it("a reconciliation goes on from page to page", async () => {
    const here = place();
    for (const name of ["1.mp3", "2.mp3", "3.mp3"]) await here.put(name);
    const first = await here.reconcile({ limit: 2 });
    expect(first).toMatchObject({ listed: 2, cursor: expect.any(String) });
    const second = await here.reconcile({ limit: 2, cursor: first.cursor });
    expect(second).toMatchObject({ listed: 1, cursor: null });
    expect(here.started).toHaveLength(6);
  });

  it("a reconciliation refuses to go on with a circle that a task has written", async () => {
    const here = place();
    const mark = encodeLoopMark({ runId: newRunId(), task: "echo", depth: 32 });
    await here.put("1.mp3", "x", { [LOOP_MARK_NAME]: mark });
    const { missed, refused } = await here.reconcile();
    expect(missed).toEqual([]);
    expect(refused.map(({ problem }) => problem.code)).toEqual(["trigger_depth", "trigger_depth"]);
  });
});

describe("POST /r2/{bucket}/reconcile", () => {
  it("POST /r2/{bucket}/reconcile answers with what it has triggered, and where to go on", async () => {
    const here = place();
    for (const name of ["1.mp3", "2.mp3"]) await here.put(name);
    const send = edge(here.plan);
    const path = `/api/v1/r2/uploads/reconcile?prefix=${here.prefix}&limit=1&since=1h`;
    const response = await send(path, { method: "POST" });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      bucket: "uploads",
      dry_run: false,
      listed: 1,
      matching: 1,
      too_old: 0,
      missed: ["echo", "index"].map((task) => ({
        key: `${here.prefix}1.mp3`,
        task,
        run_id: expect.stringMatching(/^run_/),
      })),
      refused: [],
      next_cursor: expect.any(String),
    });
  });

  it.each([
    ["upload", "", 404, "unknown_bucket"],
    ["peach-payloads", "", 404, "unknown_bucket"],
    ["uploads", "?since=soon", 400, "invalid_request"],
    ["uploads", "?limit=0", 400, "invalid_request"],
    ["uploads", "?limit=501", 400, "invalid_request"],
    ["uploads", "?dry_run=yes", 400, "invalid_request"],
  ])("POST /r2/{bucket}/reconcile refuses %s%s", async (bucket, query, status, code) => {
    const response = await edge(place().plan)(`/api/v1/r2/${bucket}/reconcile${query}`, { method: "POST" });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
  });

  it("POST /r2/{bucket}/reconcile is for admins", async () => {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode("t"))).toHex();
    for (const scope of ["read", "trigger"]) {
      const send = edge(place().plan, { env: { PEACH_API_TOKENS: `desk:${scope}:${digest}` } });
      const headers = { Authorization: "Bearer t" };
      expect((await send("/api/v1/r2/uploads/reconcile", { method: "POST", headers })).status).toBe(403);
    }
  });
});
