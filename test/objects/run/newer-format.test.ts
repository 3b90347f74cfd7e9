import { driven } from "../../support/driven-object.ts";
import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunId } from "../../../src/domain/ids.ts";
import type { AttemptOutcome } from "../../../src/objects/run/settlement-rpc.ts";
import { acceptance, CLAIM, HandDrivenRun, only } from "../../support/hand-driven.ts";
import { settlement, succeeded } from "../../support/settlements.ts";
import { edge } from "../../support/edge.ts";
import { loseMessages } from "../../support/lost-messages.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

const START = Date.UTC(2027, 0, 1, 12);
const ONE = planOf([taskPlan("only", { method: "scripted" })]);

beforeEach(() => {
  vi.setSystemTime(START);
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  loseMessages();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A running task, the last entry of its journal changed as newer code would have written it. */
async function continuedByNewerCode(change: string): Promise<HandDrivenRun> {
  const { run } = await HandDrivenRun.accept(acceptance(ONE, "only", { claim: null }));
  await run.claim();
  await run.inside(({ storage }) => {
    storage.sql.exec(`UPDATE journal SET entry = ${change} WHERE seq = (SELECT max(seq) FROM journal)`);
  });
  await run.evict();
  return run;
}

/** The call is refused with what to do. The object's throw is known to leak, so it is called in a function of its own. */
async function refusal(call: () => Promise<unknown>): Promise<string> {
  try {
    await call();
  } catch (error) {
    return String(error);
  }
  return "nothing";
}

describe("a run that newer code has continued", () => {
  it.each([
    ["an entry of a newer format", "json_set(entry, '$.v', 2)", "format 2"],
    ["a field that is not known", "json_set(entry, '$.sleeps', json('[]'))", 'the kind "sleeps"'],
    ["a state that is not known", "json_set(entry, '$.tasks[0].state.status', 'asleep')", 'the kind "asleep"'],
    [
      "a wait for what is not known",
      `json_set(entry, '$.tasks[0].state', json('{"status":"waiting","for":"event"}'))`,
      'the kind "event"',
    ],
    [
      "a hold for what is not known",
      `json_set(entry, '$.tasks[0].state', json('{"status":"queued","dispatches":1,"redispatchAt":1,"blockedBy":{"for":"quota","since":1}}'))`,
      'the kind "quota"',
    ],
    ["an attempt that ended as is not known", "json_set(entry, '$.tasks[0].attempts[0].status', 'frozen')", "frozen"],
    [
      "an outbox message that is not known",
      `json_set(entry, '$.enqueued', json('[{"id":1,"message":{"type":"bill"}}]'))`,
      "bill",
    ],
  ])(
    "a run that newer code has continued by %s is refused by every call, and is not touched",
    async (_what, change, found) => {
      const run = await continuedByNewerCode(change);
      const journal = await run.journal();
      const calls: (() => Promise<unknown>)[] = [
        () => run.document(),
        () => run.claim(),
        () => run.call((object) => object.cancel()),
        () => run.call((object) => object.accept({ ...acceptance(ONE, "only"), runId: run.id })),
      ];
      for (const call of calls) {
        const text = await refusal(call);
        expect(text).toContain("deploy the newer version again");
        expect(text).toContain(found);
      }
      expect(await run.journal()).toEqual(journal);
    },
  );

  it("a run that newer code has continued is answered 503 `awaits_deploy` over HTTP: reading it, cancelling it, triggering it again by its key", async () => {
    const send = edge(ONE);
    const trigger = () =>
      send("/api/v1/tasks/only/trigger", { method: "POST", headers: { "Idempotency-Key": "newer" } });
    const { run_id: runId } = await (await trigger()).json<{ run_id: RunId }>();
    const run = new HandDrivenRun(runId);
    await run.inside(({ storage }) => storage.sql.exec("UPDATE journal SET entry = json_set(entry, '$.v', 2)"));
    await run.evict();
    const answers = [
      await send(`/api/v1/runs/${runId}`),
      await send(`/api/v1/runs/${runId}/cancel`, { method: "POST" }),
      await trigger(),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(503);
      expect(await answer.json()).toMatchObject({ code: "awaits_deploy", hint: "Deploy the newer version again." });
    }
  });

  it("a run that newer code has continued keeps its alarm, with growing pauses to a quarter of an hour, and goes on by itself when that code is back", async () => {
    const run = await continuedByNewerCode("json_set(entry, '$.v', 2)");
    await run.inside(({ storage }) => storage.deleteAlarm());
    await refusal(() => run.document());
    const pauses: number[] = [];
    for (let time = 0; time < 30; time += 1) {
      await vi.waitUntil(async () => (await run.alarmAt()) !== null, 10_000);
      const at = (await run.alarmAt()) ?? 0;
      pauses.push(at - Date.now());
      vi.setSystemTime(at);
      await run.wake();
      // Each time in another life of the object, as it is after a quarter of an hour.
      await run.evict();
    }
    expect(pauses[0]).toBe(2_000);
    expect(pauses.at(-1)).toBe(900_000);
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
    await run.inside(({ storage }) => {
      storage.sql.exec("UPDATE journal SET entry = json_set(entry, '$.v', 1)");
    });
    await run.evict();
    await run.wake();
    // The lease of back then is over.
    expect((await run.document()).tasks[0]).toMatchObject({ status: "queued", attempts: [{ status: "lost" }] });
  });

  it("a run that newer code has continued stands in lists with what it waits for, until that code is back", async () => {
    const run = await continuedByNewerCode("json_set(entry, '$.v', 2)");
    await run.wake();
    await vi.waitFor(
      async () => expect(await listed(run)).toMatchObject({ status: "running", problem: "awaits_deploy" }),
      10_000,
    );
    await run.inside(({ storage }) => {
      storage.sql.exec("UPDATE journal SET entry = json_set(entry, '$.v', 1)");
    });
    await run.evict();
    await run.wake();
    await vi.waitFor(async () => expect(await listed(run)).not.toHaveProperty("problem"), 10_000);
    expect(await listed(run)).toMatchObject({ status: "running" });
  });

  it("a run that newer code has continued stands in lists also if nobody has told of it before", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(ONE, "only", { claim: null }));
    await run.inside(({ storage }) => {
      storage.sql.exec("UPDATE journal SET entry = json_set(entry, '$.v', 2)");
    });
    await driven(env.CATALOG.getByName("only")).evict();
    await run.evict();
    await run.wake();
    await vi.waitFor(
      async () =>
        expect(await listed(run)).toMatchObject({
          task: "only",
          status: "queued",
          source: "api",
          by: "test",
          created_at: new Date(START).toISOString(),
          problem: "awaits_deploy",
        }),
      10_000,
    );
  });
});

/** As a list shows the run. */
async function listed({ id }: HandDrivenRun): Promise<unknown> {
  const answer = await edge(ONE)("/api/v1/runs?task=only&limit=200");
  const { runs }: { runs: { run_id: string }[] } = await answer.json();
  return runs.find(({ run_id: runId }) => runId === id);
}

describe("a call of newer code", () => {
  it("a call of newer code that triggers is refused, and nothing is recorded", async () => {
    const request = { ...acceptance(ONE, "only"), v: 2 };
    const run = new HandDrivenRun(request.runId);
    expect(await refusal(() => run.call((object) => object.accept(request)))).toContain("has format 2");
    expect(await run.call((object) => object.describe())).toBeNull();
  });

  it("a call of newer code that reports what is not understood costs the attempt, which counts as nothing, and no more", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    // As another version of this code would have typed it.
    const outcome: AttemptOutcome = JSON.parse('{"type": "delegated", "to": "another run"}');
    await run.settle(settlement(only(answer.grant), outcome));
    expect((await run.document()).tasks[0]).toMatchObject({
      status: "running",
      attempts: [{ status: "lost", error: { name: "NewerFormatError" } }, { status: "running" }],
    });
  });

  it("a call of newer code that settles in a newer format is not believed, whatever it seems to say", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    const settlements = [succeeded(only(answer.grant), "x")];
    await run.call((object) => object.settle({ v: 2, settlements, claim: CLAIM }));
    expect((await run.document()).tasks[0]?.attempts[0]).toMatchObject({ status: "lost" });
  });
});
