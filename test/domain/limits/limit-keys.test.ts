import { describe, expect, it } from "vitest";
import type { PayloadLimitKeys, TaskLimits } from "../../../src/domain/limits/limit.ts";
import type { Outcome } from "../../../src/domain/run/machine-events.ts";
import { failed, FRESH_DRIVER, passedArray, payloadRef, Play, succeeded } from "../../support/run-play.ts";

const KEYED: TaskLimits = {
  concurrency: { limit: 5, strategy: "queue", key: ["user"] },
  rateLimit: null,
  priority: ["urgency"],
};
const ALL = { each: { maxParallel: 100, onError: "fail" } } as const;

/** What is passed says this of the limits of its children. */
function saying(outcome: Outcome, limitKeys: Readonly<Record<string, PayloadLimitKeys>>): Outcome {
  return outcome.type === "succeeded" ? { ...outcome, passed: { ...outcome.passed, limitKeys } } : outcome;
}

/** What the last event asks for: the task or item, its key and its priority. */
function asked(play: Play): unknown[] {
  return play
    .effects("acquire_slot")
    .map(({ limit, request }) => [play.nameOf(request.holder.ordinal), limit.key, request.priority]);
}

describe("the key and the priority of an attempt", () => {
  it("the key and the priority of an attempt of the root are those of its trigger", () => {
    const limitKeys = { concurrency: '"ann"', priority: 9 };
    expect(asked(new Play("a", { a: { limits: KEYED } }, { genesis: { limitKeys } }))).toEqual([["a", '"ann"', 9]]);
    expect(asked(new Play("a", { a: { limits: KEYED } }))).toEqual([["a", null, 0]]);
  });

  it("the key and the priority of an attempt go with the slot when it is given back, also after the attempt was cancelled", () => {
    const play = new Play("a > b", { b: { limits: KEYED } }, { claim: FRESH_DRIVER });
    play.settle("a", saying(succeeded(), { b: { concurrency: '"ann"' } }));
    play.event({ type: "slot_granted", kind: "concurrency", ordinal: 1, attempt: 1 });
    play.claim();
    const lease = play.leaseOf("b");
    play.cancel();
    expect(play.effects("release_slot").map(({ limit }) => limit.key)).toEqual(['"ann"']);
    play.event({
      type: "settled",
      attempts: [{ ...lease, outcome: succeeded(), children: [], logs: null }],
      claim: null,
    });
    expect(play.effects("release_slot").map(({ limit }) => limit.key)).toEqual(['"ann"']);
  });

  it("the key and the priority of an attempt are nothing where the upstream task has failed", () => {
    const play = new Play("a > b", { b: { limits: KEYED, runIf: "all_done" } }, { claim: FRESH_DRIVER });
    play.settle("a", failed({ retryable: false }));
    expect(asked(play)).toEqual([["b", null, 0]]);
  });

  it("the key and the priority of an attempt of a task whose upstream tasks are not in its run are what was recorded for it, and for no other", () => {
    const of = (task: string, concurrency: string) => ({
      task,
      parent: "x",
      payload: payloadRef("recorded"),
      limitKeys: { concurrency },
    });
    const genesis = { recorded: [of("c", '"cleo"'), of("b", '"bob"')] };
    const play = new Play("a > b c", { b: { limits: KEYED }, c: { limits: KEYED } }, { claim: FRESH_DRIVER, genesis });
    play.settle("a", saying(succeeded(), { c: { priority: 3 } }));
    expect(asked(play)).toEqual([
      ["b", '"bob"', 0],
      ["c", '"cleo"', 3],
    ]);
  });

  it("the key and the priority of an attempt of an item are what the same item upstream passed; of any other task, what was gathered", () => {
    const play = new Play("a > b, b > c d", { b: ALL, c: { ...ALL, limits: KEYED }, d: { limits: KEYED } });
    play.claim();
    play.settle("a", passedArray(2));
    play.claim();
    play.settle("b[0]", saying(succeeded(), { c: { concurrency: '"first"' } }));
    play.settle("b[1]", saying(succeeded(), { c: { concurrency: '"second"' } }));
    play.claim();
    play.settle("b", saying(passedArray(2), { d: { concurrency: '"both"' } }));
    expect(asked(play)).toEqual([
      ["d", '"both"', 0],
      ["c[0]", '"first"', 0],
      ["c[1]", '"second"', 0],
    ]);
  });
});
