import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { callPauses } from "../../../src/objects/pauses/pauses-client.ts";
import { passUntil, silence, stopTimers, turns } from "../../support/silence.ts";

const COPY = "pauses/paused.json";

/** Which tasks the object says are paused; null: it says nothing. */
let object: readonly string[] | null;
/** The copy in R2 does not answer either. */
let isCopySilent: boolean;

const SCRIPTED: Env = {
  ...env,
  PAUSES: Object.assign(Object.create(env.PAUSES), {
    getByName: () => ({
      paused: () =>
        object === null ? silence() : Promise.resolve(object.map((task) => ({ task, by: "test", at: 0 }))),
    }),
  }),
  PAYLOADS: Object.assign(Object.create(env.PAYLOADS), {
    get: (key: string) => (isCopySilent ? silence() : env.PAYLOADS.get(key)),
  }),
};

/** What an isolate that has just begun asks with. */
async function coldIsolate() {
  vi.resetModules();
  const { pausedTasks } = await import("../../../src/objects/pauses/pauses-client.ts");
  return () => pausedTasks(SCRIPTED);
}

/** What the isolate knows, and after how long. */
async function asked(ask: () => ReturnType<Awaited<ReturnType<typeof coldIsolate>>>) {
  const answer = Promise.resolve(ask());
  return { ms: await passUntil(answer), paused: await answer };
}

function letPass(milliseconds: number): void {
  vi.setSystemTime(Date.now() + milliseconds);
}

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  stopTimers();
  object = null;
  isCopySilent = false;
});
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await env.PAYLOADS.delete(COPY);
});

describe("while the pauses object is silent", () => {
  it("an isolate that has just begun holds back what the copy says is paused, after two seconds", async () => {
    await env.PAYLOADS.put(COPY, JSON.stringify(["gate"]));
    const { ms, paused } = await asked(await coldIsolate());
    expect([ms, paused]).toEqual([2_000, ["gate"]]);
  });

  it("work goes on after three seconds while the pauses object and its copy are silent", async () => {
    isCopySilent = true;
    const { ms, paused } = await asked(await coldIsolate());
    expect([ms, paused]).toEqual([3_000, undefined]);
  });

  it("what was known to be paused stays so, whatever its age and whatever the copy says", async () => {
    const ask = await coldIsolate();
    object = ["gate"];
    expect(await asked(ask)).toMatchObject({ ms: 0, paused: ["gate"] });
    object = null;
    letPass(3_600_000);
    await env.PAYLOADS.put(COPY, JSON.stringify(["other"]));
    const { ms, paused } = await asked(ask);
    expect([ms, paused?.toSorted()]).toEqual([2_000, ["gate", "other"]]);
  });

  it("nobody waits for it a second time, and it is asked beside the work", async () => {
    const ask = await coldIsolate();
    await asked(ask);
    for (let seconds = 0; seconds < 20; seconds += 1) {
      await vi.advanceTimersByTimeAsync(6_000);
      await turns();
      expect(ask()).toBeUndefined();
    }
  });

  it("a task that is paused meanwhile is held back, once it answers again", async () => {
    const ask = await coldIsolate();
    await asked(ask);
    object = ["gate"];
    letPass(2_500);
    expect(ask()).toBeUndefined();
    await turns();
    expect(ask()).toEqual(["gate"]);
    object = [];
    letPass(6_000);
    expect(await asked(ask)).toMatchObject({ ms: 0, paused: undefined });
  });
});

it("the copy says what is paused, and is gone when nothing is", async () => {
  vi.useRealTimers();
  const copied = async (): Promise<unknown> => (await env.PAYLOADS.get(COPY))?.json() ?? null;
  await callPauses(env, (pauses) => pauses.pause("gate", "test"));
  await callPauses(env, (pauses) => pauses.pause("other", "test"));
  await vi.waitFor(async () => expect(await copied()).toEqual(["gate", "other"]), 10_000);
  await callPauses(env, (pauses) => pauses.resume("gate"));
  await vi.waitFor(async () => expect(await copied()).toEqual(["other"]), 10_000);
  await callPauses(env, (pauses) => pauses.resume("other"));
  await vi.waitFor(async () => expect(await copied()).toBeNull(), 10_000);
});
