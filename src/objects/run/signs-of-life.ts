/**
 * Which attempts of drivers may be lost although their leases run on: those of an earlier life of the run object that give no sign
 * of life. When a runtime is killed or started anew, the object and the drivers die together; a lease tells so only after the timeout of
 * its task and ten seconds. A driver that lives is heard of within seconds: it settles, or reports after the first second and then
 * every one to two and a half (see `execution/driver/progress-reporter.ts`).
 *
 * So a new life listens for `LISTEN_MS`, and takes for lost whom it has not heard by then. The alarm is set to `LOOK_MS` after a lease
 * was given, so that there is a new life in time; it costs no row of its own where the object has an alarm at about that time. In the
 * life that has given a lease, silence means nothing: a task that computes without a pause cannot report. Attempts in executor
 * objects are left out: those say themselves when they have died.
 *
 * It is known in memory only, and changes nothing by itself: the machine decides (`woken`).
 */
import { nextWakeAt } from "../../domain/run/machine.ts";
import { owedAt } from "../../domain/run/outbox.ts";
import { dueAt, entryOf, type Run, type RunChange } from "../../domain/run/state.ts";

/** How long a new life of the object listens. */
const LISTEN_MS = 4_000;

/** When a lease is looked at, and how much later will do. */
const LOOK_MS = { after: 8_000, slack: 2_500 } as const;

export class SignsOfLife {
  readonly #now: () => number;
  #bornAt = 0;
  /** The leases of earlier lives have tokens up to this one. */
  #bornToken = 0;
  /** Tokens, and ids of drivers, that were heard of in this life. */
  readonly #heard = new Set<number | string>();

  /** `now`: epoch milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** The object has read its run. */
  begins({ lastToken }: Run): void {
    this.#bornAt = this.#now();
    this.#bornToken = lastToken;
  }

  /** Another run begins in this life, which gives all of its leases. */
  forget(): void {
    this.#bornToken = 0;
    this.#heard.clear();
  }

  /** The attempt of this token has said something. */
  attempt(token: number): void {
    if (token <= this.#bornToken) this.#heard.add(token);
  }

  /** The driver that makes this call lives, and all that it runs. */
  driver(call: string | undefined): void {
    if (this.#bornToken > 0 && call !== undefined) this.#heard.add(driverOf(call));
  }

  /** Tokens of the attempts that are taken for lost. */
  silent(run: Run): number[] {
    // The clock may have been set back.
    if (Math.abs(this.#now() - this.#bornAt) < LISTEN_MS) return [];
    return this.#running(run).flatMap(({ token, isUnheard }) => (isUnheard ? [token] : []));
  }

  /** When the run must be looked at if nobody calls: something is due, or a lease is to be looked at. */
  dueAt(run: Run): number {
    const now = this.#now();
    const due = this.#running(run).map(({ startedAt, isUnheard }) => {
      if (isUnheard) return Math.min(this.#bornAt, now) + LISTEN_MS;
      const at = Math.min(startedAt, now) + LOOK_MS.after;
      return at > now ? at : Number.POSITIVE_INFINITY;
    });
    return due.reduce((soonest, at) => Math.min(soonest, at), nextWakeAt(run));
  }

  /** Whether the alarm is to be moved for a lease that is given now. */
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

/** When something is due that this change has brought. */
export function soonestIn(change: RunChange | null): number {
  const due = (change?.tasks ?? []).map(({ state }) => dueAt(state) ?? Number.POSITIVE_INFINITY);
  return due.reduce((soonest, at) => Math.min(soonest, at), owedAt({ owed: change?.owes ?? [] }));
}
