/**
 * Checks liveness within bounds: a ready task begins within seconds, unless a fault struck shortly before, or a limit,
 * a pause or a delay blocks it. A single lost answer is no reason to wait for the end of a lease.
 */
import type { TaskPlan } from "../../../src/domain/plan/plan.ts";
import type { RunDocument, TaskDocument } from "../../../src/objects/run/run-documents-rpc.ts";
import type { Fault } from "../../../src/testing/ground/faults.ts";
import type { Ground } from "../../../src/testing/ground/ground.ts";
import type { Seen } from "../watcher.ts";

/** A stall above it has a cause, or is a violation. */
const STALL_MS = 5_000;
/** What goes wrong has consequences for so long: leases end, alarms are late. */
const CONSEQUENCES_MS = 120_000;
/** What is made good by making the same call again. */
const PASSING: ReadonlySet<Fault> = new Set(["call_lost", "answer_lost"]);

/** What keeps an alarm from coming in time, or its handler from doing its work. */
const DELAYS_ALARMS: ReadonlySet<Fault> = new Set([
  "alarm_late",
  "alarm_given_up",
  "clock_step",
  "clock_skew",
  "call_hangs",
  "r2_hangs",
  "overload",
]);
/** Longer than any retry after a failure is delayed in this world. */
const RETRIED_MS = 75_000;
/** After a loss the next attempt begins at the latest so long after the time-out of the lost one. */
const RESTARTED_MS = 30_000;
/** An attempt is over so long after its time at the latest. */
const OVERDUE_MS = 35_000;
/** A suspended task goes on at the latest so long after a run that it awaits is final: whatever was lost is repeated till then. */
const RESUMED_MS = 45 * 60_000;

/** A task that is in a state it must leave. */
interface Entered {
  readonly status: string;
  readonly at: number;
}

export class StallCheck {
  readonly #ground: Ground;
  readonly #planOf: (task: string) => TaskPlan | undefined;
  /** Since when tasks are ready, by run and task, by the scheduler. */
  readonly #readySince = new Map<string, number>();
  readonly #entered = new Map<string, Entered>();
  readonly #finalAt: (runId: string) => number | null;
  readonly #hasBegun: (runId: string, task: string, attempt: number) => boolean;
  /** When something happened by itself that takes time to mend: a worker was killed by its task. */
  #killedAt = Number.NEGATIVE_INFINITY;

  /**
   * `finalAt`: when a run has ended, by the scheduler; null if it has not. `hasBegun`: whether the code of an attempt has.
   */
  constructor(
    ground: Ground,
    planOf: (task: string) => TaskPlan | undefined,
    finalAt: (runId: string) => number | null,
    hasBegun: (runId: string, task: string, attempt: number) => boolean,
  ) {
    this.#ground = ground;
    this.#planOf = planOf;
    this.#finalAt = finalAt;
    this.#hasBegun = hasBegun;
  }

  /** A task has taken its isolate down. */
  killed(): void {
    this.#killedAt = this.#ground.scheduler.now;
  }

  /** The run has changed. */
  look({ run, runId, host }: Seen, before: RunDocument | null, isPaused: (task: string) => boolean): void {
    const { now } = this.#ground.scheduler;
    for (const [index, { task, status, attempts, upstream }] of run.tasks.entries()) {
      this.#lost(runId, task, attempts, before?.tasks[index]?.attempts ?? []);
      const was = before?.tasks[index]?.status;
      if (was === status) continue;
      const key = `${runId}/${task}`;
      this.#leaves(key, task, before?.tasks[index], host.alarmLateMs);
      this.#entered.set(key, { status, at: now });
      const since = this.#readySince.get(key);
      this.#readySince.delete(key);
      const plan = this.#planOf(task);
      // A root may be delayed, and what was tried before waits for its next try.
      const isFree = plan?.limits === null && plan.each === null && upstream.length > 0 && !isPaused(task);
      if (status === "queued" && attempts.length === 0 && isFree) this.#readySince.set(key, now);
      if (status !== "running" || since === undefined || now - since <= STALL_MS || this.#hasCause(since)) continue;
      this.#ground.violate(
        "no stall without a cause",
        `${runId}: ${task} was ready for ${((now - since) / 1_000).toFixed(1)} s before it began`,
      );
    }
  }

  /** A task has left a state in which it must not be for long. `alarmLateMs`: how late the run's alarm came last. */
  #leaves(key: string, task: string, before: TaskDocument | undefined, alarmLateMs: number): void {
    const entered = this.#entered.get(key);
    const plan = this.#planOf(task);
    if (entered === undefined || plan === undefined || plan.external || plan.each !== null) return;
    const { now } = this.#ground.scheduler;
    const bounds: Readonly<Record<string, number>> = {
      retrying: Math.max(RETRIED_MS, plan.timeoutMs + RESTARTED_MS),
      running: plan.timeoutMs + OVERDUE_MS,
    };
    const boundMs = bounds[entered.status];
    // The platform counts the time to an alarm from when it was set, however long ago the clock was set since.
    const lateMs = this.#ground.faults.kinds.has("clock_step") ? alarmLateMs : 0;
    const isLate = boundMs !== undefined && now - entered.at - lateMs > boundMs;
    const mayBeLate = this.#ground.struck.some(
      ({ fault, at }) => at >= entered.at - CONSEQUENCES_MS && DELAYS_ALARMS.has(fault),
    );
    if (isLate && !mayBeLate) this.#late(`${key} was ${entered.status} for ${(now - entered.at) / 1_000} s`);
    const finalAt = before?.waiting_for?.for === "run" ? this.#finalAt(before.waiting_for.run_id) : null;
    if (finalAt === null) return;
    // It may have begun to wait for a run that had ended long ago.
    const awaited = Math.max(finalAt, entered.at);
    if (now - awaited > RESUMED_MS || (now - awaited > STALL_MS && !this.#hasCause(awaited)))
      this.#late(`${key} goes on ${(now - awaited) / 1_000} s after what it awaits`);
  }

  /** A lease that was given to nobody: its answer was lost, and whoever asked again got nothing. */
  #lost(runId: string, task: string, attempts: TaskDocument["attempts"], before: TaskDocument["attempts"]): void {
    for (const [index, { attempt, status, error }] of attempts.entries()) {
      if (status !== "lost" || before[index]?.status === "lost" || this.#hasBegun(runId, task, attempt)) continue;
      if (error?.name === "MethodMissingError") continue;
      // Any other thing that has gone wrong may have been the reason.
      const [only, ...others] = this.#ground.struck;
      if (only === undefined || others.length > 0 || !PASSING.has(only.fault) || Number.isFinite(this.#killedAt))
        continue;
      this.#late(`${runId}: attempt ${attempt} of ${task} was lost, and nobody ever had it`);
    }
  }

  #late(detail: string): void {
    this.#ground.violate("no stall without a cause", detail);
  }

  #hasCause(since: number): boolean {
    const from = since - CONSEQUENCES_MS;
    if (this.#killedAt >= from) return true;
    const struck = this.#ground.struck.filter(({ at }) => at >= from);
    return struck.length > 1 || struck.some(({ fault }) => !PASSING.has(fault));
  }
}
