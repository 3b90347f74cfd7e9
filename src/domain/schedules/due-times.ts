/**
 * Selection of due times to start, seen from now. Pure: `DueTimes` supplies the times.
 *
 *      handled │ missed: no check in time       │ on time: at most a minute late │ future
 *   ───────────┼────────────────────────────────┼────────────────────────────────┼────────▶
 *            after                       now - LATE_MS                          now
 *
 * Due times on time are started under every policy: an alarm may lag by up to a minute. `catch_up`
 * decides about missed due times.
 */
import type { RunId } from "../ids.ts";
import type { CatchUpRule, Plan, SchedulePlan } from "../plan/plan.ts";

/** Maximum lateness of a due time on time. Milliseconds. */
export const LATE_MS = 60_000;
/** Maximum of runs started at once per schedule; older due times are left out. */
export const MAX_STARTED = 100;
/**
 * Maximum of waiting due times per schedule: one per minute of a day. Two code versions may wait
 * side by side.
 */
export const MAX_WAITING = 1_440;
/**
 * Bound of the count of omitted due times. A schedule of every second has millions after a month of
 * downtime.
 */
export const MAX_COUNTED = 1_000;

/** Due times of a schedule, in epoch milliseconds. */
export interface DueTimes {
  /** Returns the first due time after `after`; null at the end. */
  next(after: number): number | null;
  /** Returns the last due times, at most `count`, in (after, until], oldest first. */
  latest(count: number, after: number, until: number): readonly number[];
}

/** A schedule with its task. */
export interface ScheduleDefinition extends SchedulePlan {
  readonly task: string;
}

/**
 * Reason of a skipped due time.
 * - `overlap`: the previous run was not final, and `overlap` says skip.
 * - `missed`: no check in time, and `catch_up` omits the due time.
 * - `paused`: the schedule was paused while the due time waited for the previous run.
 * - `refused`: the trigger was refused, see `detail`.
 */
export type SkipReason = "overlap" | "missed" | "paused" | "refused";

/** Stored state of a schedule. Times are epoch milliseconds. */
export interface ScheduleState {
  /** Watermark: earlier due times are handled, or are in `waiting`. */
  readonly dealtUntil: number;
  /** Due times waiting for their start, oldest first. */
  readonly waiting: readonly number[];
  readonly lastRun: {
    readonly runId: RunId;
    readonly dueAt: number;
    readonly startedAt: number;
  } | null;
  readonly skipped: number;
  readonly lastSkip: {
    readonly dueAt: number;
    readonly reason: SkipReason;
    readonly detail: string | null;
  } | null;
}

/** Returns every schedule of the plan, in file order. */
export function schedulesOf(plan: Plan): ScheduleDefinition[] {
  return Object.values(plan.tasks).flatMap(({ name, schedules }) =>
    schedules.map((one) => ({ ...one, task: name })),
  );
}

/** State of a new schedule. Due times up to `now` do not belong to the schedule. */
export function newScheduleState(now: number): ScheduleState {
  return { dealtUntil: now, waiting: [], lastRun: null, skipped: 0, lastSkip: null };
}

/** Decision about the due times in (after, now]. */
export interface Due {
  /** Due times to start, oldest first. */
  readonly start: readonly number[];
  /**
   * Missed due times without a catch-up, all older than those in `start`. `count` stops at
   * `MAX_COUNTED`.
   */
  readonly leftOut: { readonly count: number; readonly last: number } | null;
}

/**
 * Sorts the due times after `after`, the last handled due time. Due times from `onTimeFrom` are on
 * time; a value after `now` means none, as for a schedule with a past end.
 */
export function dueSince(
  times: DueTimes,
  catchUp: CatchUpRule,
  after: number,
  now: number,
  onTimeFrom = now - LATE_MS,
): Due {
  const onTimeAfter = Math.min(now, Math.max(after, onTimeFrom - 1));
  const onTime = times.latest(MAX_STARTED, onTimeAfter, now);
  const caught = caughtUp(times, catchUp, after, onTimeAfter, now, onTime.length);
  const start = [...caught, ...onTime];
  return {
    start,
    leftOut: leftOut(times, after, Math.min(onTimeAfter, (start[0] ?? now + 1) - 1)),
  };
}

function caughtUp(
  times: DueTimes,
  { policy, windowMs }: CatchUpRule,
  after: number,
  until: number,
  now: number,
  onTime: number,
): readonly number[] {
  const from = Math.max(after, windowMs === null ? after : now - windowMs - 1);
  if (policy === "none" || from >= until) return [];
  // Due times on time are newer than any missed due time.
  if (policy === "latest") return onTime > 0 ? [] : times.latest(1, from, until);
  return times.latest(MAX_STARTED - onTime, from, until);
}

function leftOut(times: DueTimes, after: number, until: number): Due["leftOut"] {
  const [last] = times.latest(1, after, until);
  if (last === undefined) return null;
  let count = 1;
  for (
    let at = times.next(after);
    at !== null && at < last && count < MAX_COUNTED;
    at = times.next(at)
  )
    count += 1;
  return { count, last };
}

/**
 * Detects a clock set back by more than a minute since this due time. Due times then count from now
 * on, and repeated due times find their runs by key.
 */
export function isSetBack(dealtUntil: number, now: number): boolean {
  return dealtUntil > now + LATE_MS;
}

/**
 * Delay before the next check of a start behind the previous run: a quarter of the time waited, 1 s
 * to 30 s.
 */
export function waitingPauseMs(waitedMs: number): number {
  return Math.min(30_000, Math.max(1_000, Math.floor(waitedMs / 4)));
}
