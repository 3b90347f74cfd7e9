/**
 * `result()` in a task. A short wait is waited for in place; for a longer one the task is suspended: the attempt ends and the run
 * object begins another when the awaited run is final, or the wait is over. That one makes the same triggers with the same keys, so
 * it comes to the same `result()`, which then has its answer; the deadline is the one of the first time (`lease.waits`).
 *
 * Steps that are under way are let finish and are recorded; everything else that the attempt does at the same time is begun anew
 * by the next one. What the code does with the error that `result()` throws is of no account: the outcome is settled before.
 */
import type { AwaitedRun, ChildRun } from "../core/run.ts";
import { callRun } from "../run/run-client.ts";
import type { Lease, RunDocument } from "../run/run-rpc.ts";
import type { AttemptEnd } from "./attempt-end.ts";
import type { AttemptSteps } from "./attempt-steps.ts";
import { TaskSuspendedError } from "./errors.ts";
import { resultTimedOut } from "./triggering.ts";

/** Up to this, and at most half of what is left of the attempt's time, a wait holds its worker. */
const IN_PLACE_MS = 5_000;

/** The longest wait: 30 days. */
const MAX_WAIT_MS = 2_592_000_000;

export class AttemptWaits {
  readonly #lease: Lease;
  readonly #end: AttemptEnd;
  readonly #steps: AttemptSteps;
  readonly #env: Env;
  readonly #endsAt: number;
  /** How often each run was awaited. */
  readonly #calls = new Map<string, number>();
  readonly #pending = new Map<string, AwaitedRun>();

  /** `endsAt`: when the time of the attempt is up, epoch ms. */
  constructor(lease: Lease, end: AttemptEnd, steps: AttemptSteps, env: Env, endsAt: number) {
    this.#lease = lease;
    this.#end = end;
    this.#steps = steps;
    this.#env = env;
    this.#endsAt = endsAt;
  }

  /** The run's document once it is final. Rejects with `ResultTimeoutError` after the timeout, and when the task is suspended. */
  resultOf({ runId, task }: ChildRun, timeoutMs: number): Promise<RunDocument> {
    if (timeoutMs > MAX_WAIT_MS) throw new RangeError(`a result is awaited for at most 30d, given ${timeoutMs} ms`);
    const nth = this.#calls.get(runId) ?? 0;
    this.#calls.set(runId, nth + 1);
    const call = `${runId}/${nth}`;
    const until = this.#lease.waits?.[call] ?? Date.now() + timeoutMs;
    return this.#steps.waiting(() => this.#wait({ runId, task, call, until }, timeoutMs));
  }

  async #wait(awaited: AwaitedRun, timeoutMs: number): Promise<RunDocument> {
    const { runId, call, until } = awaited;
    const now = Date.now();
    const leftMs = Math.max(0, until - now);
    // The clock may have been set back: the attempt has never more left than its whole time.
    const attemptLeftMs = Math.min(this.#lease.timeoutMs, Math.max(0, this.#endsAt - now));
    const inPlaceMs = Math.min(leftMs, IN_PLACE_MS, attemptLeftMs / 2);
    this.#pending.set(call, awaited);
    try {
      const document = await callRun(this.#env, runId, (run) => run.untilFinal(inPlaceMs), inPlaceMs);
      if (document !== null) return document;
      if (leftMs <= inPlaceMs) throw resultTimedOut(runId, timeoutMs);
      await this.#steps.idle();
      this.#end.throwIfCome();
      const suspended = new TaskSuspendedError(runId);
      this.#end.force(() => suspended, { type: "suspended", awaits: [...this.#pending.values()] });
      throw suspended;
    } finally {
      this.#pending.delete(call);
    }
  }
}
