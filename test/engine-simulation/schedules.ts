/**
 * The schedules of the simulated world: their tasks, their releases, and the times at which an operator pauses them.
 */
import type { SchedulePlan, TaskPlan } from "../../src/domain/plan/plan.ts";
import { schedulePlan } from "../support/plan.ts";
import type { Dice } from "../../src/testing/ground/dice.ts";

/** Which releases have it. */
export type Presence = "both" | "first" | "second";

export interface Timed {
  readonly task: string;
  /** It is due at each multiple of so many minutes. */
  readonly everyMinutes: number;
  readonly presence: Presence;
  readonly plan: SchedulePlan;
}

/** Somebody pauses all schedules of a task, and resumes them; null: for good. */
export interface SchedulePause {
  readonly task: string;
  readonly atMs: number;
  readonly resumedAtMs: number | null;
}

/** Schedules would go on for ever: then somebody pauses them, after all deploys, and what an older one may take to come back. */
const ENDS_AT_MS = 45 * 60_000;

/** Of few worlds: they go on for longer than the others. */
export function drawSchedules(dice: Dice, roots: readonly TaskPlan[]): readonly Timed[] {
  if (dice.chance(0.8)) return [];
  return roots.flatMap((task) => {
    if (task.debounce !== null) return [];
    const known = new Set<number>();
    return Array.from({ length: dice.pick([1, 1, 2]) }, () => drawSchedule(dice, task.name)).filter(
      ({ everyMinutes }) => known.size < known.add(everyMinutes).size,
    );
  });
}

/** One for the task of this name. */
export function drawSchedule(dice: Dice, task: string, more: Partial<Timed> = {}): Timed {
  const everyMinutes = dice.pick([2, 5, 10]);
  const cron = `*/${everyMinutes} * * * *`;
  return {
    task,
    everyMinutes,
    presence: dice.chance(0.5) ? "both" : dice.pick(["first", "second", "second"]),
    plan: schedulePlan({
      id: cron,
      cron,
      overlap: dice.pick(["allow", "allow", "allow", "skip", "buffer_one", "cancel_running"]),
      catchUp: { policy: dice.pick(["none", "latest", "all", "all"]), windowMs: null },
    }),
    ...more,
  };
}

export function drawSchedulePauses(dice: Dice, timed: readonly Timed[]): readonly SchedulePause[] {
  return [...new Set(timed.map(({ task }) => task))].flatMap((task) => {
    const atMs = dice.between(60_000, 900_000);
    const between = dice.chance(0.2) ? [{ task, atMs, resumedAtMs: atMs + dice.between(1_000, 600_000) }] : [];
    return [...between, { task, atMs: ENDS_AT_MS, resumedAtMs: null }];
  });
}

/** The task with the schedules that this release has of it. */
export function scheduled(task: TaskPlan, timed: readonly Timed[], release: "first" | "second"): TaskPlan {
  const own = timed.filter(({ task: name, presence }) => name === task.name && presence !== other(release));
  return own.length === 0 ? task : { ...task, schedules: own.map(({ plan }) => plan) };
}

function other(release: "first" | "second"): Presence {
  return release === "first" ? "second" : "first";
}
