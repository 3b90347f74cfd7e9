import { driven, NOTHING_LEFT } from "../../support/driven-object.ts";
import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { noteDeath } from "../../../src/objects/deaths/deaths-client.ts";
import { newRunId } from "../../support/hand-driven.ts";

const AT = Date.UTC(2027, 0, 1);
const HOUR = 3_600_000;
/** Digests of who died. */
const [ONE, OTHER, THIRD] = ["a".repeat(64), "b".repeat(64), "c".repeat(64)];
let objects = 0;

function witness() {
  objects += 1;
  return env.DEATHS.getByName(`test-${objects}`);
}

function at(ms: number): void {
  vi.setSystemTime(AT + ms);
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: AT });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("a death", () => {
  it("a death is one's own as long as nobody else is known to have died at about the same time", async () => {
    const object = witness();
    expect(await object.note(ONE, 1, 500)).toEqual([1]);
    at(HOUR / 4);
    expect(await object.note(ONE, 2, 500)).toEqual([1, 2]);
    at(HOUR / 4 + 20_000);
    // It was begun before the other one died.
    await object.note(OTHER, 1, 30_000);
    expect(await object.note(ONE, 2, 500)).toEqual([1]);
  });

  it("a death is one's own if another one was begun after it, or is told of more than a minute later", async () => {
    const object = witness();
    await object.note(ONE, 1, 500);
    at(10_000);
    await object.note(OTHER, 1, 9_000);
    at(70_000);
    await object.note(THIRD, 1, 100_000);
    expect(await object.note(ONE, 2, 0)).toEqual([1]);
  });

  it("a death that is told of again is the same one, unless a minute has passed", async () => {
    const object = witness();
    await object.note(ONE, 1, 500);
    at(10_000);
    await object.note(ONE, 1, 9_000);
    await object.note(OTHER, 1, 9_000);
    expect(await object.note(ONE, 1, 9_000)).toEqual([1]);
    at(HOUR / 2);
    expect(await object.note(ONE, 1, 500)).toEqual([1]);
    await object.note(OTHER, 1, 600);
    expect(await object.note(ONE, 1, 500)).toEqual([]);
  });

  it("a death that is told of again much later, by an alarm that was late, happened when it was told of first", async () => {
    const object = witness();
    expect(await object.note(ONE, 1, 500)).toEqual([1]);
    at(5_000);
    await object.note(OTHER, 1, 30_000);
    at(75_000);
    expect(await object.note(ONE, 1, 75_500)).toEqual([]);
  });

  it("a death that is told of late, since the object could not be told, happened when it was found", async () => {
    const object = witness();
    expect(await object.note(ONE, 1, 500)).toEqual([1]);
    at(HOUR / 4);
    expect(await object.note(OTHER, 1, HOUR / 4 + 20_000, HOUR / 4 - 5_000)).toEqual([]);
    expect(await object.note(ONE, 1, HOUR / 4 + 500, HOUR / 4)).toEqual([]);
    expect(await object.note(ONE, 2, 100)).toEqual([2]);
  });

  it("a death is forgotten after an hour, with all that the object had", async () => {
    const object = witness();
    await object.note(ONE, 1, 0);
    at(HOUR / 2);
    await object.note(OTHER, 1, 0);
    at(HOUR);
    await driven(object).wake();
    expect(await object.note(OTHER, 1, 0)).toEqual([1]);
    at(2 * HOUR + 60_000);
    await driven(object).wake();
    expect(await driven(object).left()).toEqual(NOTHING_LEFT);
    expect(await object.note(ONE, 2, 0)).toEqual([2]);
  });

  it("a death is known to the next life of the object", async () => {
    const object = witness();
    await object.note(ONE, 1, 0);
    await driven(object).evict();
    expect(await object.note(ONE, 2, 0)).toEqual([1, 2]);
  });
});

describe("a death beside others", () => {
  /** One has died alone, and a quarter of an hour later with the other one. */
  async function together(first: string): Promise<ReturnType<typeof witness>> {
    const object = witness();
    await object.note(first, 1, 500);
    at(HOUR / 4);
    await object.note(ONE, 2, 500);
    await object.note(OTHER, 1, 20_000);
    return object;
  }

  it("a death beside others is explained if one of them has died alone at another time, as far as is known by now", async () => {
    const object = await together(ONE);
    expect(await object.explained(OTHER)).toEqual([1]);
    expect(await object.explained(ONE)).toEqual([]);
    // It was not alone after all.
    at(HOUR / 4 + 30_000);
    const later = await together(THIRD);
    expect(await later.explained(OTHER)).toEqual([]);
    at(HOUR / 2 + 60_000);
    await later.note(ONE, 3, 100);
    expect(await later.explained(OTHER)).toEqual([1]);
  });

  it("a death beside others is not explained for one that has died alone itself", async () => {
    const object = await together(ONE);
    at(HOUR / 2);
    await object.note(OTHER, 2, 100);
    expect(await object.explained(OTHER)).toEqual([]);
  });
});

describe("the docket of suspects", () => {
  const TRIAL = { livedMs: 100, drawnMs: 1_000, mostMs: 15_000, leaseMs: 35_000 };

  it("the docket of suspects has one begin after the other: the next one when the first has died, or ended", async () => {
    const object = witness();
    expect(await object.askTrial(ONE, TRIAL)).toBe(true);
    expect(await object.askTrial(OTHER, TRIAL)).toBe(false);
    await object.note(ONE, 2, 100);
    expect(await object.askTrial(OTHER, TRIAL)).toBe(true);
    expect(await object.askTrial(THIRD, TRIAL)).toBe(false);
    await object.trialOver(OTHER);
    expect(await object.askTrial(THIRD, TRIAL)).toBe(true);
  });

  it("the docket of suspects is known to the next life of the object", async () => {
    const object = witness();
    await object.askTrial(ONE, TRIAL);
    await driven(object).evict();
    expect(await object.askTrial(OTHER, TRIAL)).toBe(false);
  });

  it("the docket of suspects keeps who is tried when all deaths that were known are forgotten", async () => {
    const object = witness();
    await object.note(THIRD, 1, 100);
    at(HOUR - 1_000);
    expect(await object.askTrial(ONE, TRIAL)).toBe(true);
    at(HOUR);
    expect(await driven(object).wake()).toBe(true);
    expect(await object.askTrial(OTHER, TRIAL)).toBe(false);
  });

  it("the docket of suspects leaves nothing behind: neither when all have ended, nor when they say no more", async () => {
    const object = witness();
    await object.askTrial(ONE, TRIAL);
    await object.askTrial(OTHER, TRIAL);
    await object.trialOver(ONE);
    at(2 * HOUR);
    await driven(object).wake();
    await driven(object).inside(async ({ storage }) => {
      expect([...storage.kv.list()]).toEqual([]);
      expect(await storage.getAlarm()).toBeNull();
    });
  });
});

describe("whoever has died", () => {
  it("whoever has died is told apart by task and run, and kept as a digest", async () => {
    const [runId, another] = [newRunId(), newRunId()];
    expect(await noteDeath(env, { runId, ordinal: 0, attempt: 1, ageMs: 500 })).toEqual([1]);
    expect(await noteDeath(env, { runId, ordinal: 1, attempt: 4, ageMs: 500 })).toEqual([]);
    at(HOUR / 4);
    expect(await noteDeath(env, { runId: another, ordinal: null, attempt: 9, ageMs: 500 })).toEqual([9]);
    await driven(env.DEATHS.getByName("deaths")).inside(({ storage }) => {
      const rows = JSON.stringify(storage.sql.exec("SELECT * FROM deaths").toArray());
      expect(rows).not.toContain(runId.slice(4));
    });
  });

  it("whoever has died is not to blame if the witness cannot be asked", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const { DeathsObject } = await import("../../../src/objects/deaths/deaths-object.ts");
    vi.spyOn(DeathsObject.prototype, "note").mockRejectedValue(new Error("broken by the test"));
    expect(await noteDeath(env, { runId: newRunId(), ordinal: 0, attempt: 1, ageMs: 0 })).toBeNull();
  });
});
