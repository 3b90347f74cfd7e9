/**
 * Which due times of a schedule are started, looked at from now. Pure: the times themselves come from outside (`DueTimes`).
 *
 *        dealt with │ missed: nobody looked in time        │ on time: at most a minute late │ future
 *   ────────────────┼──────────────────────────────────────┼────────────────────────────────┼────────▶
 *               after                                 now - LATE_MS                        now
 *
 * What is on time is started, whatever the policy: an alarm may lag by up to a minute. `catch_up` says what of the missed is.
 */
import type { RunId } from "../ids.ts";
import type { CatchUpRule, Plan, SchedulePlan } from "../plan/plan.ts";

/** A due time at most this late is on time. Milliseconds. */
export const LATE_MS = 60_000;
/** So many runs are started for one schedule at once; the older ones of more are left out. */
export const MAX_STARTED = 100;
/** So many wait for one schedule at most: those of every minute of a day, which old and new code may stand side by side. */
export const MAX_WAITING = 1_440;
/** What is left out is counted up to this: a schedule of every second that was down for a month has millions. */
export const MAX_COUNTED = 1_000;

/** When a schedule is due. Epoch milliseconds. */
export interface DueTimes {
  /** The first due time after this one, or null if there is none any more. */
  next(after: number): number | null;
  /** The last due times, at most `count`, in (after, until], oldest first. */
  latest(count: number, after: number, until: number): readonly number[];
}

/** A schedule and the task that it starts. */
export interface ScheduleDefinition extends SchedulePlan {
  readonly task: string;
}

/**
 * Why a due time was skipped:
 * - `overlap`: the run before it was not final, and `overlap` says so.
 * - `missed`: nobody looked in time, and `catch_up` leaves it out.
 * - `paused`: it waited for the run before it when the schedule was paused.
 * - `refused`: the trigger was refused, see `detail`.
 */
export type SkipReason = "overlap" | "missed" | "paused" | "refused";

/** What is remembered of a schedule. Times are epoch milliseconds. */
export interface ScheduleState {
  /** Due times up to this are dealt with, or are in `waiting`. */
  readonly dealtUntil: number;
  /** Due times that are to be started and could not be yet, oldest first. */
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

/** Every schedule of the plan, in file order. */
export function schedulesOf(plan: Plan): ScheduleDefinition[] {
  return Object.values(plan.tasks).flatMap(({ name, schedules }) =>
    schedules.map((one) => ({ ...one, task: name })),
  );
}

/** A schedule that nothing has come of: due times up to `now` are not its own. */
export function newScheduleState(now: number): ScheduleState {
  return { dealtUntil: now, waiting: [], lastRun: null, skipped: 0, lastSkip: null };
}

/** What is to be done with the due times of (after, now]. */
export interface Due {
  /** Oldest first. */
  readonly start: readonly number[];
  /** Missed, and not caught up. All are older than those of `start`. `count` stops at `MAX_COUNTED`. */
  readonly leftOut: { readonly count: number; readonly last: number } | null;
}

/**
 * Sorts the due times since `after`, the last one that was dealt with. `onTimeFrom`: those from then on are on time; none are if it is
 * after `now`, as for a schedule whose due times have ended a while ago.
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
  // Whatever is on time is newer than the newest that was missed.
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
 * Whether the clock was set back since this due time was dealt with; by less than a minute does not count. Then due times are
 * looked at from now on, and those that come again find their runs by their keys.
 */
export function isSetBack(dealtUntil: number, now: number): boolean {
  return dealtUntil > now + LATE_MS;
}

/** How long a start that waits for the run before it is left alone: a quarter of the time it has waited, 1 s to 30 s. */
export function waitingPauseMs(waitedMs: number): number {
  return Math.min(30_000, Math.max(1_000, Math.floor(waitedMs / 4)));
}
