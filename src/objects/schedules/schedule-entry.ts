/**
 * A schedule in memory: its stored state, and the fate of each due time.
 * `domain/schedules/due-times.ts` decides about due times.
 */
import {
  dueSince,
  isSetBack,
  MAX_COUNTED,
  MAX_STARTED,
  MAX_WAITING,
  type Due,
  type DueTimes,
  type ScheduleDefinition,
  type ScheduleState,
  type SkipReason,
} from "../../domain/schedules/due-times.ts";
import type { ScheduleStore } from "./store.ts";

export class ScheduleEntry {
  readonly #times: DueTimes;
  readonly #store: ScheduleStore;
  #definition: ScheduleDefinition;
  #state: ScheduleState;
  /**
   * Time of the next try of waiting due times. Kept in memory only: after a reset the try is
   * immediate.
   */
  #againAt = 0;
  /** Failures in a row. */
  #strikes = 0;
  #awaitsDeploy = false;
  /**
   * Time since when the schedule is not deployed; null while deployed. Later due times do not
   * count, unless the schedule comes back.
   */
  #absentSince: number | null = null;
  /** The first due time after the last handled one. */
  #next: { readonly after: number; readonly at: number } | null = null;

  constructor(
    definition: ScheduleDefinition,
    state: ScheduleState,
    times: DueTimes,
    store: ScheduleStore,
  ) {
    this.#definition = definition;
    this.#state = state;
    this.#times = times;
    this.#store = store;
  }

  get definition(): ScheduleDefinition {
    return this.#definition;
  }

  /** The stored state. Memory is never behind the row. */
  get state(): ScheduleState {
    return this.#state;
  }

  /** The task of the schedule was unknown at the last due time. */
  get awaitsDeploy(): boolean {
    return this.#awaitsDeploy && this.#state.waiting.length > 0;
  }

  /** Takes over the rows of a store transaction. */
  recorded(definition: ScheduleDefinition, state: ScheduleState): void {
    this.#definition = definition;
    this.#state = state;
  }

  /**
   * Marks the schedule as deployed, or as absent since that time. Earlier due times are started in
   * any case: the plan of that time had the schedule.
   */
  deployed(absentSince: number | null): void {
    this.#absentSince = absentSince;
    this.#next = null;
  }

  /** Time of the next look at the schedule; Infinity: never. */
  wakeAt(): number {
    const after = this.#state.dealtUntil;
    if (this.#next?.after !== after) this.#next = { after, at: this.#ownNext(after) };
    return this.#state.waiting.length > 0 ? Math.min(this.#next.at, this.#againAt) : this.#next.at;
  }

  /**
   * Due times to start now, oldest first; of many only the first ones, and the rest waits. Due
   * times left out are stored as missed, and also returned. See `dueSince`.
   */
  due(
    now: number,
    onTimeFrom: number,
  ): { readonly queue: number[]; readonly leftOut: Due["leftOut"] } {
    const { dealtUntil } = this.#state;
    const until = Math.min(now, this.#absentSince ?? now);
    const { start, leftOut } = dueSince(
      this.#times,
      this.#definition.catchUp,
      dealtUntil,
      until,
      onTimeFrom,
    );
    if (leftOut !== null)
      this.#save({
        ...skipped(this.#state, leftOut.last, "missed", leftOut.count),
        dealtUntil: leftOut.last,
      });
    const queue = [...this.#state.waiting, ...start];
    if (queue.length > MAX_STARTED) this.#keepWaiting(queue);
    return { queue: queue.slice(0, MAX_STARTED), leftOut };
  }

  #ownNext(after: number): number {
    const next = this.#times.next(after) ?? Number.POSITIVE_INFINITY;
    return next > (this.#absentSince ?? next) ? Number.POSITIVE_INFINITY : next;
  }

  /** Continues from now if future due times are handled already: the clock was set back. */
  heedClock(now: number): void {
    if (isSetBack(this.#state.dealtUntil, now)) this.#save({ ...this.#state, dealtUntil: now });
  }

  started(
    dueAt: number,
    runId: NonNullable<ScheduleState["lastRun"]>["runId"],
    startedAt: number,
  ): void {
    this.#deal(dueAt, { ...this.#state, lastRun: { runId, dueAt, startedAt } });
    this.#strikes = 0;
    this.#awaitsDeploy = false;
  }

  skip(dueAt: number, reason: SkipReason, detail: string | null = null): void {
    this.#deal(dueAt, skipped(this.#state, dueAt, reason, 1, detail));
  }

  /**
   * Keeps due times whose start failed. The next try follows in 1 s, doubling with each further
   * failure, at most a minute.
   */
  failed(waiting: readonly number[], now: number): void {
    this.#keepWaiting(waiting);
    this.#strikes += 1;
    this.#againAt = now + delayAfter(this.#strikes);
  }

  /** Keeps due times whose task is not deployed here. */
  awaitDeploy(waiting: readonly number[], againAt: number): void {
    this.#keepWaiting(waiting);
    this.#againAt = againAt;
    this.#awaitsDeploy = true;
  }

  /** Keeps a due time that waits for the previous run. */
  held(dueAt: number, againAt: number): void {
    this.#keepWaiting([dueAt]);
    this.#againAt = againAt;
  }

  /** The state after a pause: waiting due times are skipped. */
  whenPaused(): ScheduleState {
    const last = this.#state.waiting.at(-1);
    if (last === undefined) return this.#state;
    return { ...skipped(this.#state, last, "paused", this.#state.waiting.length), waiting: [] };
  }

  /** The state after a resumption: due times of the pause are left out. */
  whenResumed(now: number): ScheduleState {
    return { ...this.#state, dealtUntil: now, waiting: [] };
  }

  /**
   * The state after the schedule is deployed again: due times of the absence count as on time, up
   * to the limit of waiting ones.
   */
  whenBack(now: number): ScheduleState {
    const { dealtUntil, waiting } = this.#state;
    const due = this.#times.latest(MAX_WAITING + MAX_COUNTED, dealtUntil, now);
    return withWaiting({ ...this.#state, dealtUntil: Math.max(dealtUntil, now) }, [
      ...waiting,
      ...due,
    ]);
  }

  /** Adds due times to the waiting ones. */
  #keepWaiting(waiting: readonly number[]): void {
    const all = new Set([...this.#state.waiting, ...waiting]);
    const state = withWaiting(
      this.#state,
      [...all].toSorted((a, b) => a - b),
    );
    const { dealtUntil, waiting: before, skipped: count } = this.#state;
    if (
      state.skipped === count &&
      state.dealtUntil === dealtUntil &&
      state.waiting.join() === before.join()
    )
      return;
    this.#save(state);
  }

  #deal(dueAt: number, state: ScheduleState): void {
    const waiting = state.waiting.filter((at) => at !== dueAt);
    this.#save({ ...state, dealtUntil: Math.max(state.dealtUntil, dueAt), waiting });
  }

  /** Writes the row before memory: memory is never ahead of the row. */
  #save(state: ScheduleState): void {
    this.#store.saveState(this.#definition, state);
    this.#state = state;
  }
}

/** The state with these due times waiting: the newest wait, the rest is missed. */
function withWaiting(before: ScheduleState, waiting: readonly number[]): ScheduleState {
  const kept = waiting.slice(-MAX_WAITING);
  const left = waiting.length - kept.length;
  const last = waiting[left - 1];
  const state = last === undefined ? before : skipped(before, last, "missed", left);
  return { ...state, dealtUntil: Math.max(state.dealtUntil, ...kept), waiting: kept };
}

/** Delay after a failure: 1 s after the first, doubling to a minute. Milliseconds. */
export function delayAfter(strikes: number): number {
  return Math.min(60_000, 500 * 2 ** strikes);
}

function skipped(
  state: ScheduleState,
  dueAt: number,
  reason: SkipReason,
  count: number,
  detail: string | null = null,
): ScheduleState {
  return { ...state, skipped: state.skipped + count, lastSkip: { dueAt, reason, detail } };
}
