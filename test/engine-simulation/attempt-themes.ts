/**
 * Worlds about attempts: which of them are notified, which failures count against which task, and how a run goes on
 * while objects are reset or silent.
 */
import type { Dice } from "../../src/testing/ground/dice.ts";
import type { Limits } from "../../src/testing/ground/ground.ts";
import { taskPlan } from "../support/plan.ts";
import { scenarioOf, type Scenario } from "./scenario.ts";
import { chain, made, MINUTE_MS, triggers } from "./theme-parts.ts";

const HOUR_MS = 60 * MINUTE_MS;

/** What a run has to look after is due at different times: it is looked after then, also if the run has been read anew in between. */
export function due(dice: Dice, limits: Limits): Scenario {
  const retries = {
    ...taskPlan("").retries,
    limit: 3,
    delayMs: dice.between(1_000, 20_000),
    backoff: "constant",
  } as const;
  const upstream = ["p0t0"];
  const workMs = dice.between(0, 300);
  return scenarioOf(dice, {
    tasks: [
      made("p0t0", { downstream: ["p0t1", "p0t2", "p0t3"] }, {}),
      made("p0t1", { upstream, retries }, { workMs, throws: dice.between(1, 3) }),
      made(
        "p0t2",
        { upstream, external: true, timeoutMs: 15 * MINUTE_MS },
        {
          workMs: workMs + dice.between(0, 400),
          reports: { afterMs: dice.between(2, 9) * MINUTE_MS, copies: 1, fails: 0 },
        },
      ),
      made("p0t3", { upstream, timeoutMs: 10 * MINUTE_MS }, { workMs: dice.between(1, 8) * MINUTE_MS }),
    ],
    triggers: triggers(dice, limits, dice.between(1, 3), "p0t0", 30_000),
  });
}

/** Long tasks are cancelled while they are at work. */
export function cancelled(dice: Dice, limits: Limits): Scenario {
  const isLong = dice.chance(0.5);
  return scenarioOf(dice, {
    tasks: chain(
      made("p0t0", {}, {}),
      made(
        "p0t1",
        { timeoutMs: isLong ? 2 * MINUTE_MS : 25_000 },
        { workMs: isLong ? dice.between(40_000, 90_000) : dice.between(21_000, 24_000), logs: dice.chance(0.3) },
      ),
      made("p0t2", {}, {}),
    ),
    triggers: triggers(dice, limits, 3, "p0t0", 30_000, () => ({
      cancelAfterMs: dice.between(500, isLong ? 20_000 : 5_000),
    })),
  });
}

/** Each step of a task takes several tries, in all more than its retries: but each step is progress. */
export function stumbling(dice: Dice, limits: Limits): Scenario {
  const stumbles = dice.between(1, 3);
  return scenarioOf(dice, {
    tasks: [
      made(
        "p0t0",
        { retries: { ...taskPlan("").retries, limit: stumbles, delayMs: 500 } },
        {
          workMs: dice.between(0, 500),
          steps: dice.between(2, 4),
          stepsLarge: dice.chance(0.3),
          stumbles,
          throws: dice.pick([0, stumbles]),
        },
      ),
    ],
    triggers: triggers(dice, limits, 2, "p0t0", 10_000),
  });
}

/** Attempts of a long task end well, and their run cannot be told, until their leases are over: none of that is the task's doing. */
export function unheard(dice: Dice, limits: Limits): Scenario {
  return scenarioOf(dice, {
    tasks: [made("p0t0", { timeoutMs: dice.between(26_000, 40_000) }, { workMs: dice.between(500, 10_000) })],
    triggers: triggers(dice, limits, 2, "p0t0", 5_000),
    cutOff: { task: "p0t0", atMs: 0, forMs: dice.between(8, 15) * MINUTE_MS, method: "settle" },
  });
}

/**
 * The object of a run refuses every call for long. Who goes on calling it leaves ever longer pauses, and gives up in the end: an executor
 * object when nobody waits for it any more, a run that has something to tell after a day.
 */
export function cutOff(dice: Dice, limits: Limits): Scenario {
  if (dice.chance(0.5))
    return scenarioOf(dice, {
      tasks: [made("p0t0", { timeoutMs: dice.between(1, 5) * MINUTE_MS }, { workMs: dice.between(1_000, 30_000) })],
      triggers: triggers(dice, limits, 2, "p0t0", 2_000),
      cutOff: { task: "p0t0", atMs: dice.between(500, 20_000), forMs: dice.between(20, 40) * MINUTE_MS, method: null },
    });
  const atMs = dice.between(30_000, MINUTE_MS);
  return scenarioOf(dice, {
    tasks: [
      made("p0t0", {}, { triggers: [{ task: "p1t0", large: dice.chance(0.3) }] }),
      made("p1t0", { external: true, timeoutMs: 10 * MINUTE_MS }, {}),
    ],
    triggers: triggers(dice, limits, 1, "p0t0", 10_000, () => ({
      cancelAfterMs: dice.between(MINUTE_MS, 5 * MINUTE_MS),
      cancelChildren: true,
    })),
    cutOff: { task: "p1t0", atMs, forMs: dice.between(60, 80) * HOUR_MS, method: null },
  });
}

/** What tasks read and pass is large, and they have little time more than they need: what R2 takes of it is not their doing. */
export function hindered(dice: Dice, limits: Limits): Scenario {
  const timeoutMs = dice.between(500, 4_000);
  const passesItems = dice.chance(0.4) ? dice.between(2, 8) : null;
  const each = passesItems === null ? null : ({ maxParallel: 4, onError: "continue" } as const);
  const retries = { ...taskPlan("").retries, limit: dice.between(0, 1), delayMs: 500 };
  const workMs = Math.floor(timeoutMs * 0.8 * dice.next());
  return scenarioOf(dice, {
    tasks: chain(
      made("p0t0", {}, { passesLarge: true, passesItems }),
      made(
        "p0t1",
        { timeoutMs, each, retries },
        { workMs, passesLarge: true, throws: dice.pick([0, 0, 1]), how: "hang" },
      ),
      made("p0t2", {}, {}),
    ),
    triggers: triggers(dice, limits, 2, "p0t0", 10_000),
  });
}

/** Tasks trigger, wait and record with little time to spare, side by side: what calls that fail take of it is not their doing. */
export function heldUp(dice: Dice, limits: Limits): Scenario {
  const timeoutMs = dice.between(500, 4_000);
  const retries = { ...taskPlan("").retries, limit: dice.between(0, 1), delayMs: 500 };
  const count = dice.pick([1, 2, 8]);
  return scenarioOf(dice, {
    tasks: [
      ...chain(
        made("p0t0", {}, { passesItems: dice.between(1, 4) }),
        made(
          "p0t1",
          { timeoutMs, retries, each: { maxParallel: 4, onError: "continue" } },
          {
            workMs: Math.floor(timeoutMs * 0.5 * dice.next()),
            steps: dice.between(0, 2),
            triggers: Array.from({ length: count }, () => ({ task: "p1t0", large: false })),
            unawaited: dice.chance(0.5),
            throws: dice.pick([0, 0, 1]),
            how: "hang",
          },
        ),
      ),
      made("p1t0", {}, {}),
    ],
    triggers: triggers(dice, limits, 2, "p0t0", 10_000),
  });
}
