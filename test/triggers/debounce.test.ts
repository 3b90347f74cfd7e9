import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { driven } from "../support/driven-object.ts";
import { env } from "../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunId } from "../../src/domain/ids.ts";
import { apiKey } from "../../src/domain/trigger-key.ts";
import { debounceName, type WindowAnswer, type WindowRequest } from "../../src/objects/debounce/debounce-rpc.ts";
import { encodePayload } from "../../src/payloads/codec.ts";
import { callRun } from "../../src/objects/run/run-client.ts";
import { RunObject } from "../../src/objects/run/run-object.ts";
import { acceptTrigger } from "../support/deployed.ts";
import type { AcceptedTrigger } from "../../src/triggers/accept.ts";
import { HandDrivenRun } from "../support/hand-driven.ts";
import { IS_LONG } from "../support/long.ts";

const HOUR_MS = 3_600_000;
/** The triggers of each key. */
const EACH = IS_LONG ? 100 : 30;
const START = Date.parse("2026-11-22T12:00:00Z");

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: START });
});
afterEach(() => {
  vi.useRealTimers();
});

interface TriggerSettings {
  readonly bindings?: Env;
  readonly task?: string;
  readonly idempotencyKey?: string | null;
  readonly delayMs?: number;
  readonly ctx?: ExecutionContext;
}

async function trigger(
  value: unknown,
  {
    task = "debounced",
    idempotencyKey = null,
    delayMs = 0,
    ctx = createExecutionContext(),
    bindings = env,
  }: TriggerSettings = {},
): Promise<AcceptedTrigger> {
  const payload = encodePayload(value);
  if (!payload.ok) throw new Error(payload.problem.detail);
  const origin = { source: "api", by: "test", parent: null } as const;
  const accepted = await acceptTrigger(bindings, ctx, {
    task,
    payload: payload.value,
    idempotencyKey: idempotencyKey === null ? null : apiKey("api", idempotencyKey),
    origin,
    delayMs,
  });
  if (!accepted.ok) throw new Error(accepted.problem.detail);
  return accepted.value;
}

/** Has the run's alarm fire at this time; its status right after. */
async function wakeAt(runId: RunId, at: number): Promise<string | undefined> {
  vi.setSystemTime(at);
  await driven(env.RUNS.getByName(runId)).wake();
  return (await callRun(env, runId, (run) => run.describe()))?.status;
}

/** The same for a run that is due then: its status once it is final. */
async function startAt(runId: RunId, at: number): Promise<string | undefined> {
  await wakeAt(runId, at);
  return (await callRun(env, runId, (run) => run.untilFinal(5_000)))?.status;
}

async function passedBy(runId: RunId, task = "debounced"): Promise<unknown> {
  const stored = await callRun(env, runId, (run) => run.payload(task));
  if (stored?.at !== "inline") throw new Error("nothing was passed");
  return JSON.parse(new TextDecoder().decode(stored.bytes));
}

function item(): string {
  return crypto.randomUUID();
}

describe("triggers of a debounced task", () => {
  it("share one run, which starts once, an hour after the last of them, with its payload", async () => {
    const key = item();
    const first = await trigger({ item: key, n: 1 });
    vi.setSystemTime(START + HOUR_MS / 2);
    const second = await trigger({ item: key, n: 2 });
    expect(second).toEqual({ ...first, deduplicated: true });
    expect(await wakeAt(first.runId, START + HOUR_MS)).toBe("queued");
    expect(await startAt(first.runId, START + 1.5 * HOUR_MS)).toBe("succeeded");
    expect(await passedBy(first.runId)).toEqual({ item: key, n: 2 });
  });

  it("open one window, and join it, where its object is of older code, which does not say that it was opened just now", async () => {
    let asked = 0;
    const getByName = (name: string) => ({
      window: async (request: WindowRequest): Promise<WindowAnswer> => {
        if ((asked += 1) > 10) throw new Error("asked without end");
        const { runId, is } = await env.DEBOUNCES.getByName(name).window(request);
        return { runId, is: is === "named" ? is : "open" };
      },
    });
    // oxlint-disable-next-line typescript/consistent-type-assertions
    const bindings = { ...env, DEBOUNCES: { getByName } } as unknown as Env;
    const key = item();
    const first = await trigger({ item: key, n: 1 }, { bindings });
    expect(await trigger({ item: key, n: 2 }, { bindings })).toEqual({ ...first, deduplicated: true });
    expect(asked).toBe(2);
  });

  it("triggers of a debounced task that come after the start open the next window", async () => {
    const key = item();
    const first = await trigger({ item: key, n: 1 });
    expect(await startAt(first.runId, START + HOUR_MS)).toBe("succeeded");
    const next = await trigger({ item: key, n: 2 });
    expect(next.runId).not.toBe(first.runId);
    expect(next.deduplicated).toBe(false);
  });

  it("triggers of a debounced task that come when the run of the last window is deleted do not get its id again", async () => {
    const key = item();
    // The alarm of the window is to come only when the test says so.
    const start = Date.UTC(2027, 0, 1);
    vi.setSystemTime(start);
    const { runId } = await trigger({ item: key, n: 1 });
    expect(await startAt(runId, start + HOUR_MS)).toBe("succeeded");
    await wakeAt(runId, start + 32 * 24 * HOUR_MS);
    expect(await callRun(env, runId, (run) => run.describe())).toBeNull();
    const next = await trigger({ item: key, n: 2 });
    expect(next).toMatchObject({ status: "queued", deduplicated: false });
    expect(next.runId).not.toBe(runId);
    expect(await callRun(env, runId, (run) => run.describe())).toBeNull();
  });

  it("triggers of a debounced task have a window for each key, and one for all payloads without it", async () => {
    const runs = await Promise.all([{ item: item() }, { item: item() }, "no object", 7].map((value) => trigger(value)));
    expect(new Set(runs.map(({ runId }) => runId)).size).toBe(3);
  });

  it("triggers of a debounced task with a known idempotency key find their run and postpone nothing, also after it has started", async () => {
    const key = item();
    const first = await trigger({ item: key, n: 1 }, { idempotencyKey: key });
    await trigger({ item: key, n: 2 });
    const again = await trigger({ item: key, n: 1 }, { idempotencyKey: key });
    expect(again).toMatchObject({ runId: first.runId, deduplicated: true });
    expect(await startAt(first.runId, START + HOUR_MS)).toBe("succeeded");
    expect(await passedBy(first.runId)).toEqual({ item: key, n: 2 });
    expect(await trigger({ item: key, n: 1 }, { idempotencyKey: key })).toMatchObject({
      runId: first.runId,
      deduplicated: true,
    });
  });

  it("triggers of a debounced task with a known idempotency key find their run for as long as it is there, also one that began a month later", async () => {
    const key = item();
    const day = 24 * HOUR_MS;
    const first = await trigger({ item: key, n: 1 }, { idempotencyKey: key, delayMs: 29 * day });
    const window = env.DEBOUNCES.getByName(debounceName("debounced", JSON.stringify(key)));
    expect(await startAt(first.runId, START + 29 * day)).toBe("succeeded");
    for (const days of [31, 45, 58]) {
      vi.setSystemTime(START + days * day);
      await driven(window).wake();
      const again = await trigger({ item: key, n: 1 }, { idempotencyKey: key });
      expect([days, again]).toMatchObject([days, { runId: first.runId, deduplicated: true }]);
    }
  });

  it("triggers of a debounced task with a known key and another payload are refused, whether the run has started or not", async () => {
    const key = item();
    const first = await trigger({ item: key, n: 1 }, { idempotencyKey: key });
    await trigger({ item: key, n: 2 }, { idempotencyKey: `${key} 2` });
    for (const idempotencyKey of [key, `${key} 2`])
      await expect(trigger({ item: key, n: 3 }, { idempotencyKey })).rejects.toThrow("with another payload");
    expect(await startAt(first.runId, START + HOUR_MS)).toBe("succeeded");
    expect(await passedBy(first.runId)).toEqual({ item: key, n: 2 });
    await expect(trigger({ item: key, n: 3 }, { idempotencyKey: key })).rejects.toThrow("with another payload");
    await trigger({ item: key, n: 4 });
    await expect(trigger({ item: key, n: 3 }, { idempotencyKey: key })).rejects.toThrow("with another payload");
    expect(await trigger({ item: key, n: 1 }, { idempotencyKey: key })).toMatchObject({ runId: first.runId });
  });

  it("triggers of a debounced task with a known key and a payload of another window are refused, whether the run of the first has started or not", async () => {
    const [key, other] = [item(), item()];
    const first = await trigger({ item: key, n: 1 }, { idempotencyKey: key });
    const refused = await trigger({ item: other, n: 2 }, { idempotencyKey: key }).catch(String);
    expect(refused).toContain(`has triggered the run ${first.runId} of "debounced" with another payload`);
    expect(await trigger({ item: key, n: 1 }, { idempotencyKey: key })).toEqual({ ...first, deduplicated: true });
    expect(await startAt(first.runId, START + HOUR_MS)).toBe("succeeded");
    expect(await passedBy(first.runId)).toEqual({ item: key, n: 1 });
    await expect(trigger({ item: other, n: 2 }, { idempotencyKey: key })).rejects.toThrow(first.runId);
    expect(await trigger({ item: key, n: 1 }, { idempotencyKey: key })).toMatchObject({ runId: first.runId });
    // Nothing was started for it.
    expect(await trigger({ item: other, n: 3 })).toMatchObject({ deduplicated: false });
  });

  it("triggers of a debounced task with a known key and a payload of another window are taken when the run of the first is deleted, as by any task", async () => {
    const [key, other] = [item(), item()];
    const { runId } = await trigger({ item: key, n: 1 }, { idempotencyKey: key });
    expect(await startAt(runId, START + HOUR_MS)).toBe("succeeded");
    await wakeAt(runId, START + 32 * 24 * HOUR_MS);
    expect(await callRun(env, runId, (run) => run.describe())).toBeNull();
    const next = await trigger({ item: other, n: 2 }, { idempotencyKey: key });
    expect(next).toMatchObject({ deduplicated: false });
    await expect(trigger({ item: key, n: 1 }, { idempotencyKey: key })).rejects.toThrow(next.runId);
  });

  it("triggers of a debounced task of two windows that come with one key at once are taken once", async () => {
    const [key, other] = [item(), item()];
    const sent = [key, other].map((of) => trigger({ item: of }, { idempotencyKey: key }));
    const [first, second] = await Promise.allSettled(sent);
    expect(new Set([first?.status, second?.status])).toEqual(new Set(["fulfilled", "rejected"]));
  });

  it("triggers of a debounced task with a key that was refused with a payload of another window are told to come again, and taken a minute later", async () => {
    const [key, other] = [item(), item()];
    vi.stubGlobal("scheduler", { wait: async () => undefined });
    const overloaded = vi
      .spyOn(RunObject.prototype, "acceptOrPostpone")
      .mockRejectedValue(Object.assign(new Error("Durable Object is overloaded."), { overloaded: true }));
    await expect(trigger({ item: key }, { idempotencyKey: key })).rejects.toThrow("could not be recorded");
    overloaded.mockRestore();
    vi.unstubAllGlobals();
    // Nobody knows yet that the first one comes no more.
    vi.setSystemTime(START + 59_999);
    await expect(trigger({ item: other }, { idempotencyKey: key })).rejects.toThrow("could not be recorded");
    vi.setSystemTime(START + 60_000);
    const taken = await trigger({ item: other }, { idempotencyKey: key });
    expect(taken).toMatchObject({ deduplicated: false });
    await expect(trigger({ item: key }, { idempotencyKey: key })).rejects.toThrow(taken.runId);
  });

  it("triggers of a debounced task with a key are taken where the object that binds keys is of older code, which binds none", async () => {
    const key = item();
    const getByName = (name: string) => {
      const window = env.DEBOUNCES.getByName(name);
      return {
        window: (request: WindowRequest) => window.window(request),
        bindKey: () => Promise.reject(new TypeError('The RPC receiver does not implement the method "bindKey".')),
      };
    };
    const idFromName = (name: string) => env.DEBOUNCES.idFromName(name);
    // oxlint-disable-next-line typescript/consistent-type-assertions
    const bindings = { ...env, DEBOUNCES: { getByName, idFromName } } as unknown as Env;
    const first = await trigger({ item: key }, { idempotencyKey: key, bindings });
    expect(await trigger({ item: key }, { idempotencyKey: key, bindings })).toEqual({ ...first, deduplicated: true });
  });

  it("triggers of a debounced task that were refused are not remembered: sent again, with the same key, their payload is the last", async () => {
    const key = item();
    const first = await trigger({ item: key, n: 1 }, { idempotencyKey: `${key} 1` });
    vi.stubGlobal("scheduler", { wait: async () => undefined });
    const overloaded = vi
      .spyOn(RunObject.prototype, "acceptOrPostpone")
      .mockRejectedValue(Object.assign(new Error("Durable Object is overloaded."), { overloaded: true }));
    await expect(trigger({ item: key, n: 2 }, { idempotencyKey: `${key} 2` })).rejects.toThrow("could not be recorded");
    overloaded.mockRestore();
    vi.unstubAllGlobals();
    expect(await trigger({ item: key, n: 2 }, { idempotencyKey: `${key} 2` })).toEqual({
      ...first,
      deduplicated: true,
    });
    expect(await startAt(first.runId, START + HOUR_MS)).toBe("succeeded");
    expect(await passedBy(first.runId)).toEqual({ item: key, n: 2 });
  });

  it("triggers of a debounced task that were refused in one window are taken by the next, once", async () => {
    const key = item();
    const first = await trigger({ item: key, n: 1 });
    vi.stubGlobal("scheduler", { wait: async () => undefined });
    const overloaded = vi
      .spyOn(RunObject.prototype, "acceptOrPostpone")
      .mockRejectedValue(Object.assign(new Error("Durable Object is overloaded."), { overloaded: true }));
    await expect(trigger({ item: key, n: 2 }, { idempotencyKey: key })).rejects.toThrow("could not be recorded");
    overloaded.mockRestore();
    vi.unstubAllGlobals();
    expect(await startAt(first.runId, START + HOUR_MS)).toBe("succeeded");
    await trigger({ item: key, n: 3 });
    const second = await trigger({ item: key, n: 2 }, { idempotencyKey: key });
    expect(second.runId).not.toBe(first.runId);
    expect(await trigger({ item: key, n: 2 }, { idempotencyKey: key })).toMatchObject({ runId: second.runId });
    expect(await startAt(second.runId, START + 2 * HOUR_MS)).toBe("succeeded");
    expect(await passedBy(second.runId)).toEqual({ item: key, n: 2 });
    await trigger({ item: key, n: 4 });
    expect(await trigger({ item: key, n: 2 }, { idempotencyKey: key })).toMatchObject({ runId: second.runId });
  });

  it.each([null, "a key"])(
    "triggers of a debounced task whose answer was lost are taken once, and keep their payload in R2 (key: %s)",
    async (name) => {
      const key = item();
      const accept: unknown = Reflect.get(RunObject.prototype, "acceptOrPostpone");
      if (typeof accept !== "function") throw new TypeError("there is no such method");
      const twice = vi.spyOn(RunObject.prototype, "acceptOrPostpone").mockImplementation(async function again(
        this: RunObject,
        request,
      ) {
        await Reflect.apply(accept, this, [request]);
        return Reflect.apply(accept, this, [request]);
      });
      const text = "a".repeat(100_000);
      const first = await trigger({ item: key, text: "first" });
      const [idempotencyKey, ctx] = [name === null ? null : `${name} ${key}`, createExecutionContext()];
      const second = await trigger({ item: key, text }, { idempotencyKey, ctx });
      await waitOnExecutionContext(ctx);
      twice.mockRestore();
      expect([first.deduplicated, second.deduplicated]).toEqual([false, true]);
      const stored = await callRun(env, first.runId, (run) => run.payload(null));
      expect(stored?.at === "r2" && (await env.PAYLOADS.head(stored.key)) !== null).toBe(true);
      const journal = await new HandDrivenRun(first.runId).journal();
      expect(journal.filter(({ kind }) => kind === "change")).toHaveLength(1);
    },
  );

  it("triggers of a debounced task that come without end start their run at the latest max_wait after the first", async () => {
    const key = item();
    const first = await trigger({ item: key, n: 0 }, { task: "debounced_at_most" });
    for (let n = 1; n <= 5; n += 1) {
      vi.setSystemTime(START + (n * HOUR_MS) / 2);
      expect(await trigger({ item: key, n }, { task: "debounced_at_most" })).toMatchObject({ runId: first.runId });
    }
    expect(await wakeAt(first.runId, START + 2.75 * HOUR_MS - 1)).toBe("queued");
    expect(await startAt(first.runId, START + 2.75 * HOUR_MS)).toBe("succeeded");
    expect(await passedBy(first.runId, "debounced_at_most")).toEqual({ item: key, n: 5 });
    const next = await trigger({ item: key, n: 6 }, { task: "debounced_at_most", delayMs: 20 * HOUR_MS });
    expect(next.runId).not.toBe(first.runId);
    expect(await startAt(next.runId, START + 5.5 * HOUR_MS)).toBe("succeeded");
  });

  it("triggers of a debounced task keep payloads too large to ride with the run's state", async () => {
    const key = item();
    const { runId } = await trigger({ item: key, text: "a".repeat(100_000) });
    await trigger({ item: key, text: "b".repeat(100_000) });
    const stored = await callRun(env, runId, (run) => run.payload(null));
    if (stored?.at !== "r2") throw new Error("not in R2");
    const kept: { text: string } = (await (await env.PAYLOADS.get(stored.key))?.json()) ?? { text: "" };
    expect(kept.text.slice(0, 3)).toBe("bbb");
  });

  it("triggers of a debounced task that are sent again leave none of their large payloads in R2", async () => {
    const key = item();
    const stored = async (runId: RunId): Promise<number> =>
      (await env.PAYLOADS.list({ prefix: `runs/${runId}/` })).objects.length;
    const send = async (text: string, idempotencyKey: string): Promise<RunId> => {
      const ctx = createExecutionContext();
      const { runId } = await trigger({ item: key, text: text.repeat(100_000) }, { idempotencyKey, ctx });
      await waitOnExecutionContext(ctx);
      return runId;
    };
    const first = await send("a", `${key} 1`);
    expect(await stored(first)).toBe(1);
    for (let again = 0; again < 3; again += 1) expect(await send("a", `${key} 1`)).toBe(first);
    expect(await stored(first)).toBe(1);
    await expect(send("b", `${key} 1`)).rejects.toThrow("with another payload");
    await vi.waitFor(async () => expect(await stored(first)).toBe(1), 10_000);
  });

  it(`${10 * EACH} for 10 keys become 10 runs with the last payloads`, { timeout: 60_000 }, async () => {
    const keys = Array.from({ length: 10 }, item);
    const runs = new Map<string, Set<RunId>>(keys.map((key) => [key, new Set()]));
    // The triggers of a key follow one another, so that the last one is known; the keys go side by side.
    await Promise.all(
      keys.map(async (key) => {
        for (let n = 1; n <= EACH; n += 1) runs.get(key)?.add((await trigger({ item: key, n })).runId);
      }),
    );
    for (const [key, ids] of runs) {
      expect(ids.size).toBe(1);
      for (const runId of ids) {
        expect(await startAt(runId, START + HOUR_MS)).toBe("succeeded");
        expect(await passedBy(runId)).toEqual({ item: key, n: EACH });
      }
    }
  });
});

describe("a delayed trigger", () => {
  it("a delayed trigger is accepted at once, and starts no sooner than its delay has passed", async () => {
    const { runId, status } = await trigger("later", { task: "echo", delayMs: 29 * 24 * HOUR_MS });
    expect(status).toBe("queued");
    expect(await wakeAt(runId, START + 29 * 24 * HOUR_MS - 1)).toBe("queued");
    expect(await new HandDrivenRun(runId).claim()).toEqual({ leases: [] });
    expect(await startAt(runId, START + 29 * 24 * HOUR_MS)).toBe("succeeded");
  });

  it("a delayed trigger is cancelled like any other run", async () => {
    const { runId } = await trigger("never", { task: "echo", delayMs: HOUR_MS });
    expect((await callRun(env, runId, (run) => run.cancel()))?.document.status).toBe("cancelled");
  });

  it.each([-1, Number.NaN, 31 * 24 * HOUR_MS])("a delayed trigger of %d ms is refused", async (delayMs) => {
    await expect(trigger(1, { task: "echo", delayMs })).rejects.toThrow("cannot be delayed");
  });
});
