import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunId } from "../../../src/domain/ids.ts";
import type { NewPayload } from "../../../src/domain/payload.ts";
import { readAcceptAnswer } from "../../../src/objects/run/grant-text-rpc.ts";
import type { AcceptRequest } from "../../../src/objects/run/accept-rpc.ts";
import type { AttemptOutcome } from "../../../src/objects/run/settlement-rpc.ts";
import { attempt } from "../../support/attempt.ts";
import { edge } from "../../support/edge.ts";
import { acceptance, HandDrivenRun, newRunId, only } from "../../support/hand-driven.ts";
import { inline, settlement, succeeded, threw } from "../../support/settlements.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

const START = Date.UTC(2027, 0, 1);
const RETENTION_MS = 60_000;
const ONE = planOf([taskPlan("only", { method: "scripted" })], { retentionMs: RETENTION_MS });

/** A final run with objects in R2: its trigger's, what it passed, and what an attempt that died has left. */
async function finalRun(): Promise<HandDrivenRun> {
  const request = acceptance(ONE, "only");
  await new HandDrivenRun(request.runId).call((object) => object.expectPayload(request.nonce));
  const object = async (name: string) => {
    const key = `runs/${request.runId}/${name}`;
    await env.PAYLOADS.put(key, "payload");
    return { ...inline("payload"), at: "r2", key } as const;
  };
  await object("0/1-9");
  const { run, answer } = await HandDrivenRun.accept({ ...request, payload: await object("trigger-1") });
  const output = await object("0/1-1");
  await run.settle(settlement(only(answer.grant), { type: "succeeded", output, to: null }));
  return run;
}

async function objectsOf(runId: RunId): Promise<string[]> {
  return (await env.PAYLOADS.list({ prefix: `runs/${runId}/` })).objects.map(({ key }) => key);
}

/** What the object and R2 still have. */
async function leftOf(run: HandDrivenRun) {
  return { ...(await run.left()), objects: await objectsOf(run.id) };
}
const FAILED: AttemptOutcome = {
  type: "failed",
  error: { name: "Error", message: "boom", stack: null },
  retryable: false,
  retryAfterMs: null,
  reason: "error",
};
const NOTHING = { tables: [], alarm: null, objects: [] };

beforeEach(() => {
  vi.setSystemTime(START);
  vi.spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("a run whose retention is over", () => {
  it("a run whose retention is over leaves nothing: no table, no alarm, no object in R2", async () => {
    const [run, other] = [await finalRun(), await finalRun()];
    expect(await objectsOf(run.id)).toHaveLength(3);
    expect(await run.alarmAt()).toBeLessThan(START + RETENTION_MS);
    await run.wake();
    expect(await run.alarmAt()).toBe(START + RETENTION_MS);
    vi.setSystemTime(START + RETENTION_MS);
    await run.wake();
    expect(await leftOf(run)).toEqual(NOTHING);
    expect(await run.call((object) => object.describe())).toBeNull();
    expect(await objectsOf(other.id)).toHaveLength(3);
    expect((await other.document()).status).toBe("succeeded");
  });

  it("a run whose retention is over leaves nothing also if the object was evicted before, and is not brought back by a late caller", async () => {
    const request = acceptance(ONE, "only");
    const { run, answer } = await HandDrivenRun.accept(request);
    await run.settle(succeeded(only(answer.grant)));
    await run.evict();
    vi.setSystemTime(START + RETENTION_MS);
    await run.wake();
    expect(await run.settle(succeeded(only(answer.grant)))).toEqual({ leases: [] });
    expect(await run.call((object) => object.cancel())).toBeNull();
    await run.evict();
    expect(await run.call((object) => object.describe())).toBeNull();
    expect(await leftOf(run)).toEqual(NOTHING);
  });

  it("a run whose retention is over does not look into R2 if nobody has said that something would be put there", async () => {
    const bucket: R2Bucket = Object.getPrototypeOf(env.PAYLOADS);
    const list = vi.spyOn(bucket, "list");
    const { run, answer } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    await run.settle(succeeded(only(answer.grant)));
    vi.setSystemTime(START + RETENTION_MS);
    await run.wake();
    expect(list).not.toHaveBeenCalled();
    expect(await leftOf(run)).toEqual(NOTHING);
  });

  it("a run whose retention is over leaves no object of an attempt that died, also if the run object was evicted since it was told", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    await run.call((object) => object.expectOutput());
    await env.PAYLOADS.put(`runs/${run.id}/0/1-1`, "of an attempt that never settled");
    await run.evict();
    await run.settle(succeeded(only(answer.grant)));
    vi.setSystemTime(START + RETENTION_MS);
    await run.wake();
    expect(await leftOf(run)).toEqual(NOTHING);
  });

  it("a run whose retention is over lets no attempt put anything into R2 any more", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    const lease = only(answer.grant);
    expect(await run.call((object) => object.expectOutput())).toBe(true);
    await run.settle(succeeded(lease));
    vi.setSystemTime(START + RETENTION_MS);
    await run.wake();
    expect(await run.call((object) => object.expectOutput())).toBe(false);
    const { settlement: late } = await attempt(() => "x".repeat(100_000), lease);
    expect(late.outcome).toMatchObject({ error: { name: "AttemptOverError" } });
    expect(await leftOf(run)).toEqual(NOTHING);
  });

  it("a run whose retention is over has an object deleted that a lost attempt was just putting there, once it can put none any more", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    await run.call((object) => object.expectOutput());
    await run.settle(settlement(only(answer.grant), FAILED));
    vi.setSystemTime(START + RETENTION_MS);
    await run.wake();
    expect(await objectsOf(run.id)).toEqual([]);
    expect(await run.call((object) => object.describe())).toBeNull();
    await env.PAYLOADS.put(`runs/${run.id}/0/1-1`, "announced before, put after");
    expect(await run.alarmAt()).toBe(START + 1_000_000);
    vi.setSystemTime(Date.now() + 1_000_000);
    await run.wake();
    expect(await leftOf(run)).toEqual(NOTHING);
  });

  it("a run whose retention is over leaves to a new run of its id what that run stores meanwhile", async () => {
    const request = acceptance(ONE, "only");
    const { run, answer } = await HandDrivenRun.accept(request);
    await run.call((object) => object.expectOutput());
    await run.settle(settlement(only(answer.grant), FAILED));
    vi.setSystemTime(START + RETENTION_MS);
    await run.wake();
    const again = await HandDrivenRun.accept(request);
    await env.PAYLOADS.put(`runs/${run.id}/0/1-1`, "of the new one");
    vi.setSystemTime(START + 1_000_000);
    await again.run.wake();
    expect(await objectsOf(run.id)).toHaveLength(1);
  });

  it("a run whose retention is over may be accepted anew under its id", async () => {
    const request = acceptance(ONE, "only");
    const { run, answer } = await HandDrivenRun.accept(request);
    await run.settle(succeeded(only(answer.grant)));
    vi.setSystemTime(START + RETENTION_MS);
    await run.wake();
    const again = await HandDrivenRun.accept(request);
    expect(again.answer).toMatchObject({ outcome: "recorded", grant: { leases: [{ attempt: 1 }] } });
    expect((await run.journal()).map(({ seq, kind }) => [seq, kind])).toEqual([[1, "genesis"]]);
  });

  it("a run whose retention is over is kept while R2 fails, and is deleted once R2 works again", async () => {
    const run = await finalRun();
    const document = await run.document();
    vi.setSystemTime(START + RETENTION_MS);
    vi.stubGlobal("scheduler", { wait: async () => undefined });
    const bucket: R2Bucket = Object.getPrototypeOf(env.PAYLOADS);
    const failing = vi.spyOn(bucket, "delete").mockRejectedValue(new Error("delete: internal error (10001)"));
    await run.wake();
    expect(failing).toHaveBeenCalledTimes(4);
    expect(await run.alarmAt()).toBe(START + RETENTION_MS + 1_000);
    await run.evict();
    expect(await run.document()).toEqual(document);
    failing.mockRestore();
    await run.wake();
    expect(await leftOf(run)).toEqual(NOTHING);
  });
});

describe("a child run whose retention is over", () => {
  function originOf(parent: RunId): AcceptRequest["origin"] {
    return { source: "task", by: "only", parent: { runId: parent, task: "only" } };
  }

  async function childOf(parent: RunId): Promise<HandDrivenRun> {
    const { run, answer } = await HandDrivenRun.accept({ ...acceptance(ONE, "only"), origin: originOf(parent) });
    await run.settle(succeeded(only(answer.grant)));
    return run;
  }

  /** The parent has failed half a retention after the child ended, and may be retried; the alarm of the child has fired. */
  async function outlivedByRetriable(): Promise<Record<"parent" | "child", HandDrivenRun>> {
    const { run: parent, answer } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    const child = await childOf(parent.id);
    vi.setSystemTime(START + RETENTION_MS / 2);
    await parent.settle(threw(only(answer.grant)));
    vi.setSystemTime(START + RETENTION_MS);
    await child.wake();
    return { parent, child };
  }

  it("a child run whose retention is over is kept while its parent is not final, so that an attempt that triggers again finds it", async () => {
    const { run: parent, answer } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    const child = await childOf(parent.id);
    vi.setSystemTime(START + RETENTION_MS);
    await child.wake();
    expect((await child.document()).status).toBe("succeeded");
    expect(await child.alarmAt()).toBe(START + 2 * RETENTION_MS);
    // It stands in lists as long.
    vi.setSystemTime(START + 1.5 * RETENTION_MS);
    const list = await edge(ONE)("/api/v1/runs?task=only&status=succeeded");
    const { runs } = await list.json<{ runs: { run_id: string }[] }>();
    expect(runs.map((one) => one.run_id)).toEqual([child.id]);
    vi.setSystemTime(START + RETENTION_MS);

    await parent.settle(succeeded(only(answer.grant)));
    vi.setSystemTime(START + 2 * RETENTION_MS);
    await child.wake();
    expect(await leftOf(child)).toEqual(NOTHING);
  });

  it("a child run whose retention is over is remembered, and nothing more, while its parent may be retried: triggered again it is found, and not executed", async () => {
    const { parent, child } = await outlivedByRetriable();
    expect(await child.call((run) => run.describe())).toBeNull();
    expect(await objectsOf(child.id)).toEqual([]);
    expect(await child.tables()).toEqual(["tombstone"]);

    await parent.call((run) => run.retry());
    const again = { ...acceptance(ONE, "only"), runId: child.id, origin: originOf(parent.id) };
    const found = readAcceptAnswer(await child.call((run) => run.accept(again)));
    expect(found).toMatchObject({ status: "succeeded", outcome: "deduplicated", grant: { leases: [] } });
    await child.evict();
    expect(readAcceptAnswer(await child.call((run) => run.accept(again)))).toMatchObject({ outcome: "deduplicated" });

    // The parent ends for good, and its retention is over.
    await parent.settle(succeeded(only(await parent.claim())));
    vi.setSystemTime(START + 3 * RETENTION_MS);
    await child.wake();
    expect(await leftOf(child)).toEqual(NOTHING);
  });

  it("a child run whose retention is over is remembered for no longer because payloads are announced under its id", async () => {
    const { child } = await outlivedByRetriable();
    const until = await child.alarmAt();
    await child.evict();
    await child.call((run) => run.expectPayload("n"));
    expect(await child.alarmAt()).toBe(until);
  });

  it("a child run whose retention is over is remembered, and forgotten, also if its alarm was given up", async () => {
    const { child } = await outlivedByRetriable();
    expect(await child.tables()).toEqual(["tombstone"]);
    await child.inside(({ storage }) => storage.deleteAlarm());
    await child.evict();
    vi.setSystemTime(START + 3 * RETENTION_MS);
    expect(await child.call((run) => run.describe())).toBeNull();
    await vi.waitFor(async () => expect(await child.alarmAt()).not.toBeNull(), 10_000);
    vi.setSystemTime(START + 5 * RETENTION_MS);
    await child.wake();
    expect(await leftOf(child)).toEqual(NOTHING);
  });

  it("a child run whose retention is over is remembered for whoever has found it by its key, too", async () => {
    const [first, second] = await Promise.all([
      HandDrivenRun.accept(acceptance(ONE, "only")),
      HandDrivenRun.accept(acceptance(ONE, "only")),
    ]);
    const child = await childOf(first.run.id);
    const again = { ...acceptance(ONE, "only"), runId: child.id, origin: originOf(second.run.id) };
    expect(readAcceptAnswer(await child.call((run) => run.accept(again))).outcome).toBe("deduplicated");
    await first.run.settle(succeeded(only(first.answer.grant)));
    vi.setSystemTime(START + RETENTION_MS);
    await child.wake();
    expect((await child.document()).status).toBe("succeeded");
    await second.run.settle(succeeded(only(second.answer.grant)));
    vi.setSystemTime(START + 2 * RETENTION_MS - 1);
    await child.wake();
    expect(await child.tables()).toEqual(["tombstone"]);
    vi.setSystemTime(START + 2 * RETENTION_MS);
    await child.wake();
    expect(await leftOf(child)).toEqual(NOTHING);
  });

  it("a child run whose retention is over and a run that it has triggered itself do not keep each other", async () => {
    const { run: parent, answer } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    const child = await childOf(parent.id);
    const back = { ...acceptance(ONE, "only"), runId: parent.id, origin: originOf(child.id) };
    await parent.call((run) => run.accept(back));
    vi.setSystemTime(START + 1);
    await parent.settle(succeeded(only(answer.grant)));
    vi.setSystemTime(START + RETENTION_MS);
    await child.wake();
    expect(await child.tables()).toEqual(["tombstone"]);
    vi.setSystemTime(START + RETENTION_MS + 1);
    await parent.wake();
    expect(await leftOf(parent)).toEqual(NOTHING);
    await child.wake();
    expect(await leftOf(child)).toEqual(NOTHING);
  });

  it("a child run whose retention is over is deleted if its parent is gone", async () => {
    const child = await childOf(newRunId());
    vi.setSystemTime(START + RETENTION_MS);
    await child.wake();
    expect(await leftOf(child)).toEqual(NOTHING);
  });
});

describe("a run before its retention is over", () => {
  it("a run before its retention is over is kept when its alarm comes early", async () => {
    const run = await finalRun();
    vi.setSystemTime(START + RETENTION_MS - 1);
    await run.wake();
    expect((await run.document()).status).toBe("succeeded");
    expect(await objectsOf(run.id)).toHaveLength(3);
    vi.setSystemTime(START + RETENTION_MS);
    await run.wake();
    expect(await leftOf(run)).toEqual(NOTHING);
  });

  it("a run before its retention is over is kept as long as it is not final", async () => {
    const { run } = await HandDrivenRun.accept(acceptance(ONE, "only"));
    vi.setSystemTime(START + 10 * RETENTION_MS);
    await run.wake();
    expect((await run.document()).finished_at).toBeNull();
    await run.call((object) => object.cancel());
  });
});

describe("a trigger with the key of a run that is being deleted", () => {
  const DAY_MS = 86_400_000;

  /** A final run whose key comes again: its next payload is stored already, and its retention is over. */
  async function overlapping() {
    const run = await finalRun();
    await run.wake();
    vi.setSystemTime(START + RETENTION_MS);
    const nonce = "the next one";
    await run.call((object) => object.expectPayload(nonce));
    const key = `runs/${run.id}/trigger-${nonce}/1`;
    await env.PAYLOADS.put(key, "the next payload");
    const payload = { ...inline("the next payload"), at: "r2", key } as const;
    return { run, key, request: { ...acceptance(ONE, "only"), runId: run.id, nonce, payload } };
  }

  it("a trigger with the key of a run that is being deleted that was being stored meanwhile makes the next run, which has its payload", async () => {
    const { run, key, request } = await overlapping();
    await run.wake();
    expect(await run.call((object) => object.describe())).toBeNull();
    expect(await objectsOf(run.id)).toEqual([key]);
    const { answer } = await HandDrivenRun.accept(request);
    expect(answer.outcome).toBe("recorded");
    expect(await objectsOf(run.id)).toEqual([key]);
    await run.settle(succeeded(only(answer.grant)));
    vi.setSystemTime(START + 2 * RETENTION_MS);
    await run.wake();
    expect(await leftOf(run)).toEqual(NOTHING);
  });

  it("a trigger with the key of a run that is being deleted that never comes leaves nothing: its payload is deleted once no accept can follow", async () => {
    const { run } = await overlapping();
    await run.wake();
    expect(await run.alarmAt()).toBe(START + RETENTION_MS + 8 * DAY_MS);
    await run.evict();
    vi.setSystemTime(START + RETENTION_MS + 8 * DAY_MS);
    await run.wake();
    expect(await leftOf(run)).toEqual(NOTHING);
  });

  it("a trigger with the key of a run that is being deleted that finds the run before it is deleted has its own payload deleted with it, if nobody has discarded that", async () => {
    const { run, request } = await overlapping();
    expect((await HandDrivenRun.accept(request)).answer.outcome).toBe("deduplicated");
    await run.wake();
    expect(await leftOf(run)).toEqual(NOTHING);
  });

  it("a trigger with the key of a run that is being deleted whose answer was lost is not recorded when it is made again after its payload was deleted", async () => {
    const { run, request } = await overlapping();
    expect((await HandDrivenRun.accept(request)).answer.outcome).toBe("deduplicated");
    await run.wake();
    await expect(async () => HandDrivenRun.accept(request)).rejects.toThrow("no longer active");
    expect(await leftOf(run)).toEqual(NOTHING);
  });

  it("a trigger with the key of a run that is being deleted waits for the deletion, and makes the next run", async () => {
    const { run, request } = await overlapping();
    const gate = Promise.withResolvers<void>();
    const list = env.PAYLOADS.list.bind(env.PAYLOADS);
    const listing = vi.spyOn(env.PAYLOADS, "list").mockImplementationOnce(async (options) => {
      await gate.promise;
      return list(options);
    });
    const deleting = run.wake();
    await vi.waitFor(() => expect(listing).toHaveBeenCalled(), 10_000);
    const accepting = HandDrivenRun.accept(request);
    gate.resolve();
    await deleting;
    expect((await accepting).answer.outcome).toBe("recorded");
    expect((await run.document()).status).toBe("running");
  });

  it("a trigger with the key of a run that is being deleted is not taken for the run that is half deleted, but comes again", async () => {
    const { run, request } = await overlapping();
    vi.stubGlobal("scheduler", { wait: async () => undefined });
    const failing = vi.spyOn(env.PAYLOADS, "delete").mockRejectedValue(new Error("R2 is down"));
    await run.wake();
    await expect(async () => HandDrivenRun.accept(request)).rejects.toThrow("being deleted");
    failing.mockRestore();
    await run.wake();
    expect((await HandDrivenRun.accept(request)).answer.outcome).toBe("recorded");
  });
});

describe("a run that was never accepted", () => {
  const DAY_MS = 86_400_000;

  async function announced(): Promise<{ run: HandDrivenRun; payload: NewPayload }> {
    const run = new HandDrivenRun(newRunId());
    await run.call((object) => object.expectPayload("n"));
    const key = `runs/${run.id}/trigger-1`;
    await env.PAYLOADS.put(key, "payload");
    return { run, payload: { ...inline("payload"), at: "r2", key } };
  }

  it("a run that was never accepted has the payload deleted that it was told of, once no accept can follow any more", async () => {
    const { run } = await announced();
    expect(await run.alarmAt()).toBe(START + 8 * DAY_MS);
    expect(await objectsOf(run.id)).toHaveLength(1);
    await run.evict();
    vi.setSystemTime(START + 8 * DAY_MS);
    await run.wake();
    expect(await leftOf(run)).toEqual(NOTHING);
  });

  it("a run that was never accepted is looked for as soon when others are announced after it", async () => {
    const { run } = await announced();
    await run.evict();
    vi.setSystemTime(START + 2 * DAY_MS);
    await run.call((object) => object.expectPayload("another"));
    expect(await run.alarmAt()).toBe(START + 8 * DAY_MS);
    vi.setSystemTime(START + 8 * DAY_MS);
    await run.wake();
    expect(await run.alarmAt()).toBe(START + 10 * DAY_MS);
  });

  it("a run that was never accepted has no payload deleted that is younger: its trigger was sent again", async () => {
    const { run } = await announced();
    vi.useRealTimers();
    await run.wake();
    expect(await objectsOf(run.id)).toHaveLength(1);
  });

  it("a run that was never accepted is a run like any other if the accept follows", async () => {
    const { run, payload } = await announced();
    const accepted = await HandDrivenRun.accept({ ...acceptance(ONE, "only"), runId: run.id, nonce: "n", payload });
    expect(accepted.answer.outcome).toBe("recorded");
    expect(await run.alarmAt()).toBeLessThan(START + DAY_MS);
    await run.call((object) => object.expectPayload("n"));
    expect(await run.alarmAt()).toBeLessThan(START + DAY_MS);
    await run.settle(succeeded(only(accepted.answer.grant)));
    vi.setSystemTime(START + RETENTION_MS);
    await run.wake();
    expect(await leftOf(run)).toEqual(NOTHING);
  });

  it("a run that was never accepted survives an alarm", async () => {
    const run = new HandDrivenRun(newRunId());
    await run.inside(({ storage }) => storage.setAlarm(START + 1));
    expect(await run.wake()).toBe(true);
    expect(await leftOf(run)).toEqual(NOTHING);
  });
});
