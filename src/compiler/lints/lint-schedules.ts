import type { SchedulePlan } from "../../domain/plan/plan.ts";
import { dueTimes } from "../../domain/schedules/cron.ts";
import type { LintedProject } from "./linted-project.ts";

/** The start of the search. Patterns repeat with the calendar, so any start works. */
const START = Date.UTC(2024, 0, 1);
/** The end of the search, four years later: the time between has a leap year. */
const END = Date.UTC(2028, 0, 1);
/** Limit of steps. A step passes at least one due time. */
const MAX_STEPS = 500;

/**
 * Warns of two schedules of a task that are due at the same time with the same payload: two runs do
 * the same work. With different payloads the task is meant to run twice.
 */
export function lintSchedules({ plan, loaded, warn }: LintedProject): void {
  for (const { name, schedules } of Object.values(plan.tasks))
    for (const [index, second] of schedules.entries()) {
      const before = schedules.slice(0, index);
      for (const [which, first] of before.entries()) {
        const met = first.payload === second.payload ? meetingTime(first, second) : null;
        if (met === null) continue;
        const at = (place: number) => loaded.valueSpan(["tasks", name, "schedule", place]);
        const time = new Date(met).toISOString().replace(":00.000Z", "Z");
        warn(
          "PEACH724",
          at(index),
          `tasks.${name}.schedule: two schedules meet, for example at ${time}, ` +
            "and start two runs with the same payload",
          {
            hint: "let one of them leave out the times of the other, or give them different payloads",
            related: [{ span: at(which), message: "the other is here" }],
          },
        );
        break;
      }
    }
}

/**
 * Finds a time at which both schedules are due; null if there is no such time in four years. The
 * search compares the next due times, and moves the earlier schedule on to the later time. A rare
 * schedule is thus compared with a frequent schedule in few steps.
 */
function meetingTime(first: SchedulePlan, second: SchedulePlan): number | null {
  const [one, other] = [first, second].map(({ cron, timezone }) => dueTimes(cron, timezone));
  let a = one?.next(START) ?? null;
  let b = other?.next(START) ?? null;
  for (let steps = 0; steps < MAX_STEPS; steps += 1) {
    if (a === null || b === null || Math.max(a, b) > END) return null;
    if (a === b) return a;
    // The one behind goes to the other's time, or beyond it.
    if (a < b) a = one?.next(b - 1) ?? null;
    else b = other?.next(a - 1) ?? null;
  }
  return null;
}
