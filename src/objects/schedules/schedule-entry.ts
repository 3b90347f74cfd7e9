/** One schedule in memory: what is stored of it, and what becomes of a due time. What is due is decided in `domain/schedules/due-times.ts`. */
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
  /** When to try again what waits. Forgotten with the memory: then it is tried at once. */
  #againAt = 0;
  /** Failures in a row. */
  #strikes = 0;
  #awaitsDeploy = false;
  /** Since when it is deployed no more: due times after that are not its own, unless it comes back. Null: it is deployed. */
  #absentSince: number | null = null;
  /** The first due time after the last one that was dealt with. */
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

  /** What is stored: never behind it. */
  get state(): ScheduleState {
    return this.#state;
  }

  /** Whether its task was not known when it was last due. */
  get awaitsDeploy(): boolean {
    return this.#awaitsDeploy && this.#state.waiting.length > 0;
  }

  /** Takes over what a transaction of the store has recorded. */
  recorded(definition: ScheduleDefinition, state: ScheduleState): void {
    this.#definition = definition;
    this.#state = state;
  }

  /** It is deployed, or since that time no more. What was due before is started all the same: it was due under a plan that had it. */
  deployed(absentSince: number | null): void {
    this.#absentSince = absentSince;
    this.#next = null;
  }

  /** When to look at it next; Infinity: never again. */
  wakeAt(): number {
    const after = this.#state.dealtUntil;
    if (this.#next?.after !== after) this.#next = { after, at: this.#ownNext(after) };
    return this.#state.waiting.length > 0 ? Math.min(this.#next.at, this.#againAt) : this.#next.at;
  }

  /**
   * Due times to be started now, oldest first; of many the first, and the others wait. Those that are left out are recorded as missed,
   * and returned too. See `dueSince`.
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

  /** Looks at due times from now on if those of the future are dealt with: the clock was set back. */
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

  /** These could not be started, because the surroundings failed: again in 1 s, with each further failure later, to a minute. */
  failed(waiting: readonly number[], now: number): void {
    this.#keepWaiting(waiting);
    this.#strikes += 1;
    this.#againAt = now + pauseAfter(this.#strikes);
  }

  /** Their task is not deployed where this was tried. */
  awaitDeploy(waiting: readonly number[], againAt: number): void {
    this.#keepWaiting(waiting);
    this.#againAt = againAt;
    this.#awaitsDeploy = true;
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

  /** The state if it is deployed again now: what was due while it was absent is on time, as many as may wait. */
  whenBack(now: number): ScheduleState {
    const { dealtUntil, waiting } = this.#state;
    const due = this.#times.latest(MAX_WAITING + MAX_COUNTED, dealtUntil, now);
    return withWaiting({ ...this.#state, dealtUntil: Math.max(dealtUntil, now) }, [
      ...waiting,
      ...due,
    ]);
  }

  /** These wait too. */
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

  /** The row first: memory is never ahead of it. */
  #save(state: ScheduleState): void {
    this.#store.saveState(this.#definition, state);
    this.#state = state;
  }
}

/** The state if these are to be started and cannot be yet: the newest, the others are missed. */
function withWaiting(before: ScheduleState, waiting: readonly number[]): ScheduleState {
  const kept = waiting.slice(-MAX_WAITING);
  const left = waiting.length - kept.length;
  const last = waiting[left - 1];
  const state = last === undefined ? before : skipped(before, last, "missed", left);
  return { ...state, dealtUntil: Math.max(state.dealtUntil, ...kept), waiting: kept };
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
