/** One schedule in memory: what is stored of it, and what becomes of a due time. What is due is decided in `core/schedule.ts`. */
import {
  dueSince,
  isSetBack,
  MAX_STARTED,
  type Due,
  type DueTimes,
  type ScheduleDefinition,
  type ScheduleState,
  type SkipReason,
} from "../core/schedule.ts";
import type { ScheduleStore } from "./store.ts";

export class ScheduleEntry {
  readonly #times: DueTimes;
  readonly #store: ScheduleStore;
  #definition: ScheduleDefinition;
  #state: ScheduleState;
  /** When to try again what waits. Forgotten with the memory: then it is tried at once. */
  #againAt = 0;
  /** Failures in a row. */
  #strikes = 0;
  /** The first due time after the last one that was dealt with. */
  #next: { readonly after: number; readonly at: number } | null = null;

  constructor(definition: ScheduleDefinition, state: ScheduleState, times: DueTimes, store: ScheduleStore) {
    this.#definition = definition;
    this.#state = state;
    this.#times = times;
    this.#store = store;
  }

  get definition(): ScheduleDefinition {
    return this.#definition;
  }

  /** What is stored: never behind it. */
  get state(): ScheduleState {
    return this.#state;
  }

  /** Takes over what a transaction of the store has recorded. */
  recorded(definition: ScheduleDefinition, state: ScheduleState): void {
    this.#definition = definition;
    this.#state = state;
  }

  /** When to look at it next; Infinity: never again. */
  wakeAt(): number {
    const after = this.#state.dealtUntil;
    if (this.#next?.after !== after) this.#next = { after, at: this.#times.next(after) ?? Number.POSITIVE_INFINITY };
    return this.#state.waiting.length > 0 ? Math.min(this.#next.at, this.#againAt) : this.#next.at;
  }

  /** Due times to be started now, oldest first; those that are left out are recorded as missed, and returned too. */
  due(now: number): { readonly queue: number[]; readonly leftOut: Due["leftOut"] } {
    const { start, leftOut } = dueSince(this.#times, this.#definition.catchUp, this.#state.dealtUntil, now);
    if (leftOut !== null)
      this.#save({ ...skipped(this.#state, leftOut.last, "missed", leftOut.count), dealtUntil: leftOut.last });
    return { queue: [...this.#state.waiting, ...start], leftOut };
  }

  /** Looks at due times from now on if those of the future are dealt with: the clock was set back. */
  heedClock(now: number): void {
    if (isSetBack(this.#state.dealtUntil, now)) this.#save({ ...this.#state, dealtUntil: now });
  }

  started(dueAt: number, runId: NonNullable<ScheduleState["lastRun"]>["runId"], startedAt: number): void {
    this.#deal(dueAt, { ...this.#state, lastRun: { runId, dueAt, startedAt } });
    this.#strikes = 0;
  }

  skip(dueAt: number, reason: SkipReason, detail: string | null = null): void {
    this.#deal(dueAt, skipped(this.#state, dueAt, reason, 1, detail));
  }

  /** These could not be started, because the surroundings failed: again in 1 s, with each further failure later, to a minute. */
  failed(waiting: readonly number[], now: number): void {
    this.#keepWaiting(waiting);
    this.#strikes += 1;
    this.#againAt = now + pauseAfter(this.#strikes);
  }

  /** This one has to wait for the run before it. */
  held(dueAt: number, againAt: number): void {
    this.#keepWaiting([dueAt]);
    this.#againAt = againAt;
  }

  /** The state if it is paused now: what waits is skipped. */
  whenPaused(): ScheduleState {
    const last = this.#state.waiting.at(-1);
    if (last === undefined) return this.#state;
    return { ...skipped(this.#state, last, "paused", this.#state.waiting.length), waiting: [] };
  }

  /** The state if it goes on now: without what was due meanwhile. */
  whenResumed(now: number): ScheduleState {
    return { ...this.#state, dealtUntil: now, waiting: [] };
  }

  #keepWaiting(waiting: readonly number[]): void {
    const kept = waiting.slice(-MAX_STARTED);
    const left = waiting.length - kept.length;
    const last = waiting[left - 1];
    const state = last === undefined ? this.#state : skipped(this.#state, last, "missed", left);
    const dealtUntil = Math.max(state.dealtUntil, ...kept);
    if (state === this.#state && dealtUntil === state.dealtUntil && kept.join() === state.waiting.join()) return;
    this.#save({ ...state, dealtUntil, waiting: kept });
  }

  #deal(dueAt: number, state: ScheduleState): void {
    const waiting = state.waiting.filter((at) => at !== dueAt);
    this.#save({ ...state, dealtUntil: Math.max(state.dealtUntil, dueAt), waiting });
  }

  /** The row first: memory is never ahead of it. */
  #save(state: ScheduleState): void {
    this.#store.saveState(this.#definition, state);
    this.#state = state;
  }
}

/** 1 s after the first failure, doubling to a minute. Milliseconds. */
export function pauseAfter(strikes: number): number {
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
