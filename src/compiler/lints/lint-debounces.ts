import type { DebouncePlan, SchedulePlan, TaskPlan } from "../../domain/plan/plan.ts";
import { dueTimes } from "../../domain/schedules/cron.ts";
import type { LintedProject } from "./linted-project.ts";

/** The start of the search for due times: an evening before a weekend, when schedules pause. */
const START = Date.UTC(2024, 0, 5, 17);
/** The length of the search from the first due time. */
const SEARCHED_MS = 8 * 86_400_000;
/** Limit of steps of the search; beyond it, a schedule counts as steady. */
const MAX_STEPS = 2_000;

/**
 * Warns of a debounce without `max_wait` whose triggers may never pause: uploads or events of a
 * single key, or a schedule that is due more often than `delay`. Every trigger postpones the run.
 */
export function lintDebounces({ plan, loaded, warn }: LintedProject): void {
  for (const task of Object.values(plan.tasks)) {
    const { name, debounce } = task;
    if (debounce === null || debounce.maxWaitMs !== null) continue;
    const source = steadySource(task, debounce);
    if (source === null) continue;
    warn(
      "PEACH725",
      loaded.keySpan(["tasks", name, "debounce"]),
      `tasks.${name}.debounce: ${source} may postpone its run for ever`,
      {
        hint:
          "each trigger postpones the run by `delay`: " +
          "add `max_wait`, the longest time from the first trigger to the run",
      },
    );
  }
}

/** Finds the triggers that may come without a pause; null without any. */
function steadySource({ on, schedules }: TaskPlan, debounce: DebouncePlan): string | null {
  if (schedules.some((schedule) => isFaster(schedule, debounce.delayMs)))
    return "a schedule that is due more often than `delay`";
  // With a key, only triggers of the same key postpone a run.
  if (debounce.key !== null) return null;
  if (on.r2.length > 0) return "a steady stream of uploads";
  return on.events.length > 0 ? "a steady stream of events" : null;
}

/**
 * Tests if a schedule is always due again before `delayMs` has passed. A single longer gap, such as
 * a night, is enough for a run to start. The search steps over half a delay at a time: no gap fits
 * between two due times that are closer than the delay.
 */
function isFaster({ cron, timezone }: SchedulePlan, delayMs: number): boolean {
  const times = dueTimes(cron, timezone);
  const first = times.next(START);
  if (first === null) return false;
  let last = first;
  for (let steps = 0; steps < MAX_STEPS && last < first + SEARCHED_MS; steps += 1) {
    const far = times.next(last + Math.floor(delayMs / 2));
    if (far === null) return false;
    if (far - last < delayMs) {
      last = far;
      continue;
    }
    const next = times.next(last);
    if (next === null || next - last >= delayMs) return false;
    last = next;
  }
  return true;
}
