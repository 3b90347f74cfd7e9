/** A limit whose surroundings the test drives: the clock, the runs that are told, and what fails. The storage is that of an object. */
import { driven } from "../../support/driven-object.ts";
import { env } from "../../support/env.ts";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { LimitName, LimitRule, SlotHolder, SlotRequest, SlotStatus } from "../../../src/domain/limits/limit.ts";
import { NewerFormatError } from "../../../src/domain/version.ts";
import { LimitController, type LimitHost } from "../../../src/objects/limits/limit-controller.ts";
import { LimitStore } from "../../../src/objects/limits/store.ts";
import { numberedRunId } from "../../support/summaries.ts";

const START = Date.UTC(2027, 0, 1);
const NAME: LimitName = { kind: "concurrency", task: "publish", key: '"ada"' };

const holder = (number: number): SlotHolder => ({ runId: numberedRunId(number), ordinal: 0, attempt: 1 });
const ruleOf = (limit: number, planAt = START): LimitRule => ({ limit, perMs: null, planAt });

function request(number: number, given: Partial<SlotRequest> = {}): SlotRequest {
  return { holder: holder(number), rule: ruleOf(1), strategy: "queue", since: START + number, priority: 0, ...given };
}

/** What the surroundings are told, and what they answer. */
class Surroundings implements LimitHost {
  time = START;
  readonly alarms: number[] = [];
  readonly told: string[] = [];
  readonly listings: boolean[] = [];
  readonly logged: string[] = [];
  readonly carried: Promise<void>[] = [];
  plan: LimitRule | null = null;
  /** How many runs are being told, now and at most. */
  under = { way: 0, most: 0 };
  cannotList = false;
  /** The list answers when this has resolved. */
  listAnswers: Promise<void> = Promise.resolve();
  answer: (number: string) => Promise<SlotStatus> = async () => ({ type: "holding" });

  now(): number {
    return this.time;
  }
  setAlarm(at: number): void {
    this.alarms.push(at);
  }
  permitted(_name: LimitName, { runId }: SlotHolder): Promise<SlotStatus> {
    return this.#tell("permitted", runId);
  }
  displaced(_name: LimitName, { runId }: SlotHolder): Promise<SlotStatus> {
    return this.#tell("displaced", runId);
  }
  planned(): LimitRule | null {
    return this.plan;
  }
  async listed(_name: LimitName, isThere: boolean): Promise<void> {
    this.listings.push(isThere);
    await this.listAnswers;
    if (this.cannotList) throw new Error("the list cannot be reached");
  }
  waitUntil(work: Promise<void>): void {
    this.carried.push(work);
  }
  log(message: string): void {
    this.logged.push(message);
  }
  /** Once all that was carried on has ended. */
  async settled(): Promise<void> {
    while (this.carried.length > 0) await Promise.all(this.carried.splice(0));
  }

  async #tell(what: string, runId: string): Promise<SlotStatus> {
    this.told.push(`${what} ${runId}`);
    this.under.way += 1;
    this.under.most = Math.max(this.under.most, this.under.way);
    await Promise.resolve();
    const standing = await this.answer(runId);
    this.under.way -= 1;
    return standing;
  }
}

class BrokenStore extends LimitStore {
  fault: Error | null = null;
  override load(): ReturnType<LimitStore["load"]> {
    if (this.fault !== null) throw this.fault;
    return super.load();
  }
}

let around: Surroundings;
beforeEach(() => {
  around = new Surroundings();
});

/** Drives a limit of its own; `again` is a new life of its object. */
function drive(use: (limit: LimitController, store: BrokenStore, again: () => LimitController) => Promise<void>) {
  const stub = env.LIMITS.getByName(`concurrency/publish/${crypto.randomUUID()}`);
  return driven(stub).inside(async ({ storage }) => {
    const store = new BrokenStore(storage);
    const again = (): LimitController => new LimitController(store, around);
    await use(again(), store, again);
  });
}

describe("a limit", () => {
  it("a limit gives its slot to who asks first, and tells the next once it is given back", () =>
    drive(async (limit) => {
      expect(limit.ask(NAME, request(1))).toBe("granted");
      expect(limit.ask(NAME, request(2))).toBe("waiting");
      expect(limit.ask(NAME, request(3))).toBe("waiting");
      expect(limit.use()).toEqual({ inUse: 1, waiting: 2 });
      expect(around.told).toEqual([]);
      limit.giveBack(holder(1), 0);
      await around.settled();
      expect(around.told).toEqual([`permitted ${numberedRunId(2)}`]);
      expect(limit.use()).toEqual({ inUse: 1, waiting: 1 });
    }));

  it("a limit tells 24 runs at most at a time, of a hundred that may start at once", () =>
    drive(async (limit) => {
      for (let number = 1; number <= 101; number += 1) limit.ask(NAME, request(number));
      around.plan = ruleOf(500, START + 1);
      expect(limit.use()).toEqual({ inUse: 101, waiting: 0 });
      await around.settled();
      expect(around.told).toHaveLength(100);
      expect(around.under.most).toBe(24);
    }));

  it("a limit gives the slot of a run that needs it no longer to the next, as soon as that run says so", () =>
    drive(async (limit) => {
      limit.ask(NAME, request(1));
      limit.ask(NAME, request(2));
      limit.ask(NAME, request(3));
      around.answer = async (runId) =>
        runId === numberedRunId(2) ? { type: "over", afterMs: 0 } : { type: "holding" };
      limit.giveBack(holder(1), 0);
      await around.settled();
      expect(around.told).toEqual([`permitted ${numberedRunId(2)}`, `permitted ${numberedRunId(3)}`]);
      expect(limit.use()).toEqual({ inUse: 1, waiting: 0 });
    }));

  it("a limit has the oldest give way to who asks with cancel_running, and tells it so", () =>
    drive(async (limit) => {
      limit.ask(NAME, request(1, { strategy: "cancel_running" }));
      expect(limit.ask(NAME, request(2, { strategy: "cancel_running" }))).toBe("waiting");
      await around.settled();
      expect(around.told).toEqual([`displaced ${numberedRunId(1)}`]);
    }));

  it("a limit keeps the slot of a run that could not be told, says so, and tells it again in its next check", () =>
    drive(async (limit) => {
      limit.ask(NAME, request(1));
      limit.ask(NAME, request(2));
      around.answer = () => Promise.reject(new Error("the run cannot be reached"));
      limit.giveBack(holder(1), 0);
      await around.settled();
      expect(around.logged).toEqual([`${numberedRunId(2)} could not be told of its slot`]);
      expect(limit.use()).toEqual({ inUse: 1, waiting: 0 });
      around.answer = async () => ({ type: "holding" });
      around.time = Math.max(...around.alarms);
      await limit.alarm(around.time);
      await around.settled();
      expect(around.told.slice(1)).toEqual([`permitted ${numberedRunId(2)}`]);
    }));

  it("a limit finds after a reset what it had recorded, and grants nothing twice", () =>
    drive(async (limit, _store, again) => {
      limit.ask(NAME, request(1));
      limit.ask(NAME, request(2));
      const next = again();
      expect(next.use()).toEqual({ inUse: 1, waiting: 1 });
      expect(next.ask(NAME, request(3))).toBe("waiting");
      expect(next.ask(NAME, request(1))).toBe("granted");
    }));

  it("a limit finds after a reset who was told to give way, and tells it no second time", () =>
    drive(async (limit, _store, again) => {
      limit.ask(NAME, request(1, { strategy: "cancel_running" }));
      limit.ask(NAME, request(2, { strategy: "cancel_running" }));
      expect(again().ask(NAME, request(3, { strategy: "cancel_running" }))).toBe("waiting");
      await around.settled();
      expect(around.told).toEqual([1, 2].map((number) => `displaced ${numberedRunId(number)}`));
    }));

  it("a limit finds after a reset a slot that is free only once a lease is over", () =>
    drive(async (limit, _store, again) => {
      limit.ask(NAME, request(1));
      limit.ask(NAME, request(2));
      limit.giveBack(holder(1), 60_000);
      const next = again();
      expect(next.use()).toEqual({ inUse: 1, waiting: 1 });
      around.time += 60_000;
      await next.alarm(around.time);
      await around.settled();
      expect(around.told).toEqual([`permitted ${numberedRunId(2)}`]);
    }));

  it("a limit of starts lets no second one start within its time, also after a reset, and then the next", () =>
    drive(async (limit, _store, again) => {
      const name: LimitName = { ...NAME, kind: "rate_limit" };
      const rule: LimitRule = { limit: 1, perMs: 3_600_000, planAt: START };
      expect(limit.ask(name, request(1, { rule }))).toBe("granted");
      limit.spend(holder(1), 3_600_000);
      expect(limit.ask(name, request(2, { rule }))).toBe("waiting");
      around.time += 3_000_000;
      expect(again().ask(name, request(3, { rule }))).toBe("waiting");
      around.time += 3_000_000;
      const next = again();
      expect(next.use().waiting).toBe(1);
      next.spend(holder(2), 3_600_000);
      expect(again().use().waiting).toBe(1);
      await around.settled();
      expect(around.told).toEqual([`permitted ${numberedRunId(2)}`]);
    }));

  it("a limit of starts lets the next one start as soon as one has, where the plan allows more by now", () =>
    drive(async (limit) => {
      const name: LimitName = { ...NAME, kind: "rate_limit" };
      const rule: LimitRule = { limit: 1, perMs: 3_600_000, planAt: START };
      limit.ask(name, request(1, { rule }));
      limit.ask(name, request(2, { rule }));
      around.plan = { ...rule, limit: 2, planAt: START + 1 };
      limit.spend(holder(1), 3_600_000);
      await around.settled();
      expect(around.told).toEqual([`permitted ${numberedRunId(2)}`]);
    }));

  it("a limit is listed while there is anything at its key, and not any more when nothing is left", () =>
    drive(async (limit) => {
      limit.ask(NAME, request(1));
      limit.ask(NAME, request(2));
      await around.settled();
      expect(around.listings).toEqual([true]);
      for (const number of [1, 2]) limit.giveBack(holder(number), 0);
      await limit.alarm(null);
      await around.settled();
      expect(around.listings).toEqual([true, false]);
    }));

  it("a limit keeps an attempt that asks while its end is being told, with its slot, and is listed again soon", () =>
    drive(async (limit, _store, again) => {
      limit.ask(NAME, request(1));
      limit.giveBack(holder(1), 0);
      await around.settled();
      const { promise, resolve } = Promise.withResolvers<void>();
      around.listAnswers = promise;
      const ending = limit.alarm(null);
      await vi.waitFor(() => expect(around.listings).toEqual([true, false]), { timeout: 10_000 });
      expect(limit.ask(NAME, request(2))).toBe("granted");
      expect(limit.ask(NAME, request(3))).toBe("waiting");
      resolve();
      await ending;
      expect(again().use()).toEqual({ inUse: 1, waiting: 1 });
      const soon = START + 5_000;
      expect(Math.min(...around.alarms.filter((at) => at >= START + 1_000))).toBe(soon);
      await limit.alarm(soon);
      await around.settled();
      expect(around.listings).toEqual([true, false, true]);
      limit.giveBack(holder(2), 0);
      await around.settled();
      expect(around.told).toEqual([`permitted ${numberedRunId(3)}`]);
    }));

  it("a limit that could not be listed is listed by its next alarm", () =>
    drive(async (limit) => {
      around.cannotList = true;
      limit.ask(NAME, request(1));
      await around.settled();
      expect(around.logged).toEqual(["a limit is not listed yet"]);
      around.cannotList = false;
      await limit.alarm(null);
      await limit.alarm(null);
      await around.settled();
      expect(around.listings).toEqual([true, true]);
    }));
});

describe("the alarm of a limit that fails", () => {
  it.each([
    ["five seconds, whatever failed", new Error("storage fails"), 5_000],
    ["five minutes, if newer code has written what is stored", new NewerFormatError("a limit", "format 99"), 300_000],
  ])("the alarm of a limit that fails is tried again after %s, and rejects never", async (_after, fault, pauseMs) => {
    await drive(async (_limit, store, again) => {
      const limit = again();
      store.fault = fault;
      await limit.alarm(START);
      expect(around.logged).toEqual(["the alarm of a limit failed, trying again"]);
      expect(around.alarms.at(-1)).toBe(START + pauseMs);
      store.fault = null;
      expect(limit.ask(NAME, request(1))).toBe("granted");
    });
  });

  it("the alarm of a limit that fails gives no slot that is not recorded: it is read again", async () => {
    await drive(async (limit, store) => {
      limit.ask(NAME, request(1));
      const write = vi.spyOn(store, "write").mockImplementation(() => {
        throw new Error("storage fails");
      });
      expect(() => limit.giveBack(holder(1), 0)).toThrow("storage fails");
      write.mockRestore();
      expect(limit.use()).toEqual({ inUse: 1, waiting: 0 });
      await around.settled();
      expect(around.told).toEqual([]);
    });
  });
});
