/**
 * `result()` and `output()` in a task. A short wait is awaited in place. A longer wait suspends the
 * task: the attempt ends, and the run object starts another attempt when all awaited runs are
 * final, or when the first wait fails or times out. The new attempt makes the same triggers with
 * the same keys, arrives at the same calls, and now has their answers: its lease brings the
 * documents of the final runs, and `lease.waits` keeps the deadlines of the first time.
 *
 * Steps in progress finish and are recorded before the attempt ends. All other work of the attempt
 * is repeated by the next attempt. The error thrown here only leaves the author's code: the outcome
 * is settled before.
 */
import type { RunId } from "../../domain/ids.ts";
import type { AwaitedRun } from "../../domain/run/task-state.ts";
import type { ChildRun } from "../../domain/run/state.ts";
import { openPayloadBytes } from "../../payloads/payload-store.ts";
import { callRun } from "../../objects/run/run-client.ts";
import type { Lease } from "../../objects/run/lease-rpc.ts";
import type { RunDocument } from "../../objects/run/run-documents-rpc.ts";
import { AtOnce } from "../../platform/at-once.ts";
import type { AttemptCancellation } from "./cancellation.ts";
import type { AttemptSteps } from "./steps.ts";
import { RunGoneError, TaskSuspendedError } from "../author/errors.ts";
import { openOutput } from "./run-output.ts";
import { resultTimedOut } from "../author/trigger-calls.ts";

/** The longest wait in place. At most half of the attempt's remaining time. */
const IN_PLACE_MS = 5_000;

/** Runs awaited in place at the same time: an invocation has six connections. */
const IN_PLACE_AT_ONCE = 6;

/** An attempt that awaits more runs is suspended after this long without a further wait. */
const QUIET_MS = 500;

/** The longest wait: 30 days. */
const MAX_WAIT_MS = 2_592_000_000;

export class AttemptWaits {
  readonly #lease: Lease;
  readonly #cancellation: AttemptCancellation;
  readonly #steps: AttemptSteps;
  readonly #env: Env;
  readonly #endsAt: number;
  readonly #untilTriggered: () => Promise<void>;
  /** The number of waits for each run. */
  readonly #calls = new Map<string, number>();
  readonly #pending = new Map<string, AwaitedRun>();
  /** Runs known to be final. */
  readonly #arrived: ReadonlyMap<string, ArrivedRun>;
  /** The number of waits so far. */
  #begun = 0;
  #quiet: Promise<void> | null = null;
  /**
   * Results of final runs are fetched a few at a time: the attempt needs connections for its own
   * calls.
   */
  readonly #fetching = new AtOnce(4);

  /**
   * `endsAt`: the attempt's deadline, epoch milliseconds. `untilTriggered` resolves when no trigger
   * of the attempt is in progress.
   */
  constructor(
    lease: Lease,
    cancellation: AttemptCancellation,
    steps: AttemptSteps,
    env: Env,
    endsAt: number,
    untilTriggered: () => Promise<void>,
  ) {
    this.#untilTriggered = untilTriggered;
    this.#lease = lease;
    this.#cancellation = cancellation;
    this.#steps = steps;
    this.#env = env;
    this.#endsAt = endsAt;
    this.#arrived = new Map(lease.arrived?.map((run) => [run.runId, run]));
  }

  /**
   * Resolves to the run's document once the run is final. Rejects with `ResultTimeoutError` after
   * the timeout, and when the task is suspended.
   */
  resultOf(child: ChildRun, timeoutMs: number): Promise<RunDocument> {
    return this.#finalOf(child, timeoutMs, {});
  }

  /**
   * Resolves to the output of the run, or of its task of this name. Rejects like `resultOf` and
   * `openOutput`.
   */
  async outputOf(child: ChildRun, task: string | undefined, timeoutMs: number): Promise<unknown> {
    const document = await this.#finalOf(child, timeoutMs, { needsSuccess: true });
    return this.#fetching.run(() => openOutput(this.#env, child.runId, document, task));
  }

  #finalOf(
    { runId, task }: ChildRun,
    timeoutMs: number,
    needs: Pick<AwaitedRun, "needsSuccess">,
  ): Promise<RunDocument> {
    if (timeoutMs > MAX_WAIT_MS)
      throw new RangeError(`a result is awaited for at most 30d, given ${timeoutMs} ms`);
    const nth = this.#calls.get(runId) ?? 0;
    this.#calls.set(runId, nth + 1);
    const call = `${runId}/${nth}`;
    const arrived = this.#arrived.get(runId);
    if (arrived !== undefined && arrived.status !== "gone")
      return this.#fetching.run(() => this.#documentOf(arrived));
    const until = this.#lease.waits?.[call] ?? Date.now() + timeoutMs;
    return this.#steps.waiting(async () => {
      // The run was deleted. Either it was triggered anew just now, or it is gone and waiting is
      // useless.
      if (arrived !== undefined) await this.#fetching.run(() => this.#describe(runId));
      return this.#wait({ runId, task, call, until, ...needs }, timeoutMs);
    });
  }

  async #describe(runId: RunId): Promise<RunDocument> {
    const document = await callRun(this.#env, runId, (run) => run.describe());
    if (document === null) throw new RunGoneError(runId);
    return document;
  }

  async #wait(awaited: AwaitedRun, timeoutMs: number): Promise<RunDocument> {
    const { runId, call, until } = awaited;
    const now = Date.now();
    const leftMs = Math.max(0, until - now);
    // The clock may have been set back: an attempt never has more time left than its timeout.
    const attemptLeftMs = Math.min(this.#lease.timeoutMs, Math.max(0, this.#endsAt - now));
    const inPlaceMs = Math.min(leftMs, IN_PLACE_MS, attemptLeftMs / 2);
    const isOneTooMany = this.#pending.size >= IN_PLACE_AT_ONCE && leftMs > inPlaceMs;
    this.#pending.set(call, awaited);
    this.#begun += 1;
    try {
      if (isOneTooMany) await (this.#quiet ??= this.#untilQuiet(inPlaceMs));
      else {
        const document = await callRun(
          this.#env,
          runId,
          (run) => run.untilFinal(inPlaceMs),
          inPlaceMs,
        );
        if (document !== null) return document;
        if (leftMs <= inPlaceMs) throw resultTimedOut(runId, timeoutMs);
      }
      await this.#steps.idle();
      await this.#untilTriggered();
      this.#cancellation.throwIfCancelled();
      const suspended = new TaskSuspendedError(runId);
      this.#cancellation.cancelWith(() => suspended, {
        type: "suspended",
        awaits: [...this.#pending.values()],
      });
      throw suspended;
    } finally {
      this.#pending.delete(call);
    }
  }

  /** Waits while the attempt starts further waits, so that one suspension covers all of them. */
  async #untilQuiet(mostMs: number): Promise<void> {
    const pauseMs = Math.min(QUIET_MS, mostMs);
    for (
      let waitedMs = 0, before = -1;
      waitedMs < mostMs && before !== this.#begun;
      waitedMs += pauseMs
    ) {
      before = this.#begun;
      await scheduler.wait(pauseMs);
    }
    this.#quiet = null;
  }

  async #documentOf({ runId, document }: ArrivedRun): Promise<RunDocument> {
    if (document === null) return this.#describe(runId);
    const bytes = await openPayloadBytes(this.#env.PAYLOADS, document, (seq, offset, size) =>
      callRun(this.#env, this.#lease.runId, (run) => run.held(seq, offset, size)),
    );
    return documentIn(new TextDecoder().decode(bytes));
  }
}

type ArrivedRun = NonNullable<Lease["arrived"]>[number];

/**
 * Parses the document that a final run sent. The one mapping of this text; `describe` would return
 * the same document.
 */
function documentIn(text: string): RunDocument {
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return JSON.parse(text) as RunDocument;
}
