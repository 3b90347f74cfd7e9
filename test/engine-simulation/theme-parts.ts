/** The parts of worlds about one thing (see themes.ts). */
import type { TaskPlan } from "../../src/domain/plan/plan.ts";
import type { Dice } from "../../src/testing/ground/dice.ts";
import type { Fault } from "../../src/testing/ground/faults.ts";
import type { Limits } from "../../src/testing/ground/ground.ts";
import { taskPlan } from "../support/plan.ts";
import type { Behaviour } from "./behaviour.ts";
import { GROUPS, type Trigger } from "./scenario.ts";
import { NO_LIMITS } from "./seeds/shrink.ts";

export const CALLS: readonly Fault[] = ["answer_lost", "call_lost", "call_hangs"];
export const RESETS: readonly Fault[] = ["reset_before_commit", "reset_after_commit"];
export const MINUTE_MS = 60_000;

/** What a method does that returns at once. */
export const PLAIN: Behaviour = {
  workMs: 0,
  throws: 0,
  how: "error",
  kills: 0,
  killsLate: false,
  killsItem: null,
  passesLarge: false,
  chooses: null,
  passesTo: null,
  logs: false,
  reports: null,
  triggers: [],
  sweeps: false,
  unawaited: false,
  emits: null,
  awaitsMs: null,
  awaitsAll: null,
  steps: 0,
  stepsLarge: false,
  passesItems: null,
};

/** A task, and what its method does. */
export type Made = readonly [TaskPlan, Behaviour];

export function made(
  name: string,
  plan: Parameters<typeof taskPlan>[1] = {},
  behaviour: Partial<Behaviour> = {},
): Made {
  return [taskPlan(name, plan), { ...PLAIN, ...behaviour }];
}

/** These, each triggered by the next. */
export function chain(...tasks: readonly Made[]): readonly Made[] {
  return tasks.map(([task, behaviour], index) => {
    const [before, after] = [tasks[index - 1]?.[0].name, tasks[index + 1]?.[0].name];
    return [
      {
        ...task,
        upstream: before === undefined ? [] : [before],
        downstream: after === undefined ? [] : [after],
      },
      behaviour,
    ];
  });
}

/** So many, unless somebody looks for a smaller world. */
function many(limits: Limits, count: number): number {
  return limits.triggers < NO_LIMITS.triggers ? limits.triggers : count;
}

/** So many triggers of this task within some time; `more`: what is special about the one of this place. */
export function triggers(
  dice: Dice,
  limits: Limits,
  count: number,
  task: string,
  withinMs: number,
  more: (index: number) => Partial<Trigger> = () => ({}),
): Trigger[] {
  return Array.from({ length: many(limits, count) }, (_, index) => ({
    atMs: dice.between(0, withinMs),
    task,
    key: dice.chance(0.6) ? `key ${index}` : null,
    group: dice.pick(GROUPS),
    large: false,
    delayMs: 0,
    copies: 1,
    cancelAfterMs: null,
    cancelChildren: false,
    retryAfterMs: [],
    replay: null,
    ...more(index),
  }));
}
