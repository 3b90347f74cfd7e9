/**
 * Detects attempts of drivers that may be lost although their leases are valid: attempts of an
 * earlier life of the run object without a sign of life. When a runtime is killed or restarted, the
 * object and the drivers die together, and a lease expires only after the task's timeout and ten
 * seconds. A living driver is heard from within seconds: the driver settles, or reports after the
 * first second and then every one to two and a half (see `execution/driver/progress-reporter.ts`).
 *
 * A new life therefore listens for `LISTEN_MS`, and then counts silent attempts as lost. The alarm
 * is set to `LOOK_MS` after a lease was granted, so that a new life starts in time; no row is
 * needed where an alarm is due at about that time. In the life that granted the lease, silence
 * means nothing: a task that computes without a pause cannot report. Attempts in executor objects
 * are left out, because executor objects report their own death.
 *
 * The data is kept in memory only, and the machine decides (`woken`).
 */
import { nextWakeAt } from "../../domain/run/machine.ts";
import { nextDeliveryAt } from "../../domain/run/outbox-entry.ts";
import { dueAt } from "../../domain/run/task-state.ts";
import { entryOf, type Run } from "../../domain/run/state.ts";
import { type RunChange } from "../../domain/run/run-change.ts";

/** Listening time of a new life. */
const LISTEN_MS = 4_000;

/** Time until a lease is checked, and the acceptable delay. */
const LOOK_MS = { after: 8_000, slack: 2_500 } as const;

export class SignsOfLife {
  readonly #now: () => number;
  #bornAt = 0;
  /** Last token granted in earlier lives. */
  #bornToken = 0;
  /** Tokens and driver ids heard in this life. */
  readonly #heard = new Set<number | string>();

  /** `now`: epoch milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Starts listening: the object has read the run. */
  begins({ lastToken }: Run): void {
    this.#bornAt = this.#now();
    this.#bornToken = lastToken;
  }

  /** Starts over for a new run, whose leases are all of this life. */
  reset(): void {
    this.#bornToken = 0;
    this.#heard.clear();
  }

  /** Records a sign of life of the attempt with this token. */
  attempt(token: number): void {
    if (token <= this.#bornToken) this.#heard.add(token);
  }

  /** Records a sign of life of the calling driver and all its attempts. */
  driver(call: string | undefined): void {
    if (this.#bornToken > 0 && call !== undefined) this.#heard.add(driverOf(call));
  }

  /** Returns the tokens of the attempts that count as lost. */
  silent(run: Run): number[] {
    // The clock may have been set back.
    if (Math.abs(this.#now() - this.#bornAt) < LISTEN_MS) return [];
    return this.#running(run).flatMap(({ token, isUnheard }) => (isUnheard ? [token] : []));
  }

  /**
   * Returns the time at which the run needs a look without calls: something is due, or a lease has
   * to be checked.
   */
  dueAt(run: Run): number {
    const now = this.#now();
    const due = this.#running(run).map(({ startedAt, isUnheard }) => {
      if (isUnheard) return Math.min(this.#bornAt, now) + LISTEN_MS;
      const at = Math.min(startedAt, now) + LOOK_MS.after;
      return at > now ? at : Number.POSITIVE_INFINITY;
    });
    return due.reduce((soonest, at) => Math.min(soonest, at), nextWakeAt(run));
  }

  /** Tells whether the alarm is too late for a lease granted now. */
  isLate(alarmAt: number): boolean {
    return alarmAt > this.#now() + LOOK_MS.after + LOOK_MS.slack;
  }

  #running(
    run: Run,
  ): { readonly token: number; readonly startedAt: number; readonly isUnheard: boolean }[] {
    return Array.from(run.active).flatMap((ordinal) => {
      const entry = entryOf(run, ordinal);
      if (entry?.state.status !== "running" || entry.state.holder !== undefined) return [];
      const { token, attempt, call } = entry.state;
      const hasSpoken =
        this.#heard.has(token) || (call !== undefined && this.#heard.has(driverOf(call)));
      const startedAt = entry.attempts[attempt - 1]?.startedAt ?? 0;
      return { token, startedAt, isUnheard: token <= this.#bornToken && !hasSpoken };
    });
  }
}

function driverOf(call: string): string {
  return call.slice(0, call.indexOf("/"));
}

/** Returns the earliest due time in a change. */
export function soonestIn(change: RunChange | null): number {
  const due = (change?.tasks ?? []).flatMap(({ state, lateAt }) => [
    dueAt(state) ?? Number.POSITIVE_INFINITY,
    lateAt ?? Number.POSITIVE_INFINITY,
  ]);
  return due.reduce(
    (soonest, at) => Math.min(soonest, at),
    nextDeliveryAt({ outbox: change?.enqueued ?? [] }),
  );
}
