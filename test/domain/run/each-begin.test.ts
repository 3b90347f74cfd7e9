import { fc } from "../../support/property.ts";
import { describe, expect, it } from "vitest";
import { DRIVER_WIDTH } from "../../../src/domain/run/leasing.ts";
import { entryOf } from "../../../src/domain/run/state.ts";
import {
  failed,
  FRESH_DRIVER,
  passedArray,
  payloadRef,
  Play,
  RUN_ID,
  succeeded,
  type TaskSettings,
} from "../../support/run-play.ts";

const EACH = { maxParallel: 1_000, onError: "fail" } as const;

/** A run of `a > b`, where `b` runs once per item, after `a` has passed so many. */
function mapped(length: number, b: TaskSettings[string] = {}): Play {
  const play = new Play("a > b", { b: { each: EACH, ...b } }, { claim: FRESH_DRIVER });
  play.settle("a", passedArray(length));
  return play;
}

describe("items that nobody has begun", () => {
  it("items that nobody has begun are told of again, ever more rarely, while nobody comes", () => {
    const play = mapped(3);
    const pauses = Array.from({ length: 7 }, () => {
      const pause = play.wakeWhenDue();
      expect(play.effects("dispatch")).toEqual([{ type: "dispatch", drivers: 1 }]);
      return pause;
    });
    expect(pauses).toEqual([10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
  });

  it("items that nobody has begun of several tasks go to one driver as far as it has room", () => {
    const play = new Play("a > b c", { b: { each: EACH }, c: { each: EACH } }, { claim: FRESH_DRIVER });
    play.settle("a", passedArray(DRIVER_WIDTH - 1));
    expect(play.claim().slice(-2)).toEqual([`b[${DRIVER_WIDTH - 2}]`, "c[0]"]);
    expect(play.last.leases).toHaveLength(DRIVER_WIDTH);
  });

  it("items that nobody has begun fit into the time that a driver has left to the millisecond", () => {
    const play = mapped(1, { timeoutMs: 2_000 });
    expect(play.claim({ budgetMs: 1_999 })).toEqual([]);
    expect(play.claim({ budgetMs: 2_000 })).toEqual(["b[0]"]);
  });

  it("items that nobody has begun are begun by no driver if their task has limits, also where more of them may be begun", () => {
    const limits = {
      concurrency: { limit: 600, strategy: "queue", key: null },
      rateLimit: null,
      priority: 0,
    } as const;
    const play = mapped(501, { limits });
    expect(play.effects("acquire_slot")).toHaveLength(500);
    expect(play.claim()).toEqual([]);
    expect(play.itemsOf("b").at(-1)).toBe("pending");
    play.wakeWhenDue();
    expect(play.effects("acquire_slot")).toHaveLength(1);
  });

  it("items that nobody has begun wait for the slots of one key a few at a time, in order: the next begins when one has its slot", () => {
    const limits = {
      concurrency: { limit: 2, strategy: "queue", key: ["user"] },
      rateLimit: null,
      priority: 0,
    } as const;
    const play = new Play("a > b", { b: { limits, each: { maxParallel: 100, onError: "fail" } } });
    play.claim();
    const user = (index: number): string => (index % 10 === 9 ? '"bob"' : '"ann"');
    const b = Array.from({ length: 30 }, (_, index) => ({ concurrency: user(index) }));
    const output = payloadRef("array", 30);
    play.settle("a", { type: "succeeded", passed: { output, to: null, limitKeys: { b } } });
    const asked = (): string[] =>
      play.effects("acquire_slot").map(({ request }) => play.nameOf(request.holder.ordinal));
    expect(asked()).toEqual(["b[0]", "b[1]", "b[9]", "b[19]"]);
    const permit = (item: string): string[] => {
      play.event({ type: "slot_granted", kind: "concurrency", ordinal: play.ordinalOf(item), attempt: 1 });
      return asked();
    };
    expect(permit("b[9]")).toEqual(["b[29]"]);
    expect(permit("b[0]")).toEqual(["b[2]"]);
    expect(permit("b[1]")).toEqual(["b[3]"]);
    expect(play.claim()).toEqual(["b[0]", "b[1]", "b[9]"]);
    play.settle("b[0]", succeeded());
    expect(asked()).toEqual([]);
    expect(permit("b[2]")).toEqual(["b[4]"]);
    expect(play.itemsOf("b").filter((status) => status === "pending")).toHaveLength(30 - 8);
  });

  it("all come to an end under keyed limits, whatever the keys and how many may run", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ user: fc.nat(3), host: fc.nat(2) }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 12 }),
        fc.boolean(),
        (keys, limit, maxParallel, isRated) => {
          const limits = {
            concurrency: { limit, strategy: "queue", key: ["user"] },
            rateLimit: isRated ? { limit: 2, perMs: 1_000, key: ["host"] } : null,
            priority: 0,
          } as const;
          const play = new Play("a > b", { b: { limits, each: { maxParallel, onError: "continue" } } });
          play.claim();
          const b = keys.map(({ user, host }) => ({ concurrency: String(user), rate_limit: String(host) }));
          const output = payloadRef("array", keys.length);
          play.settle("a", { type: "succeeded", passed: { output, to: null, limitKeys: { b } } });
          for (let round = 0; play.run.finishedAt === null; round += 1) {
            if (round > 500) throw new Error(`stuck: ${play.itemsOf("b").join()}`);
            const held = [...play.run.active].flatMap((ordinal) => {
              const state = entryOf(play.run, ordinal)?.state;
              return state?.status === "queued" && state.blockedBy !== undefined
                ? [{ ordinal, blockedBy: state.blockedBy }]
                : [];
            });
            for (const { ordinal, blockedBy } of held)
              if (blockedBy.for === "concurrency" || blockedBy.for === "rate_limit")
                play.event({ type: "slot_granted", kind: blockedBy.for, ordinal, attempt: 1 });
            for (const task of play.claim()) play.settle(task, succeeded());
          }
          expect(play.itemsOf("b").every((status) => status === "succeeded")).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("items that nobody has begun are not begun once their run is cancelled", () => {
    const play = mapped(4);
    play.claim({ items: 2 });
    play.cancel();
    expect(play.claim()).toEqual([]);
    expect(play.itemsOf("b")).toEqual(["cancelled", "cancelled", "pending", "pending"]);
  });

  it("items that nobody has begun are no more: then an item that ends touches nothing but itself", () => {
    const play = mapped(2);
    play.claim();
    play.settle("b[0]", succeeded());
    expect(play.last.change?.tasks.map(({ ordinal }) => play.nameOf(ordinal))).toEqual(["b[0]"]);
  });
});

describe("an item that waits for another run", () => {
  it("an item that waits for another run is cancelled when another item has failed for good", () => {
    const play = mapped(2);
    play.claim();
    const awaits = [{ runId: RUN_ID, task: "other", call: "x", until: play.now + 60_000 }];
    play.settle("b[0]", { type: "suspended", awaits });
    play.settle("b[1]", failed({ retryable: false }));
    expect(play.itemsOf("b")).toEqual(["cancelled", "failed"]);
    expect(play.run.status).toBe("failed");
  });
});

describe("items of the long lane", () => {
  it("items of the long lane that have succeeded are left so when the others are begun once more", () => {
    const play = mapped(3, { timeoutMs: 60_000 });
    for (const item of ["b[0]", "b[1]", "b[2]"]) play.begin(item, item);
    play.settle("b[1]", succeeded());
    play.settle("b[0]", failed({ retryable: false }));
    play.settle("b[2]", failed({ retryable: false }));
    play.event({ type: "retried" });
    expect(play.itemsOf("b")).toEqual(["queued", "succeeded", "queued"]);
  });
});
