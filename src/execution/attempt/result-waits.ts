/**
 * `result()` and `output()` in a task. A short wait is waited for in place; for a longer one the task is suspended: the attempt ends and
 * the run object begins another when all that it was waiting for is final, or the first wait fails or is over. That one makes the same
 * triggers with the same keys, so it comes to the same calls, which then have their answers: the lease brings the documents of the runs
 * that are final, and the deadlines are those of the first time (`lease.waits`).
 *
 * Steps that are under way are let finish and are recorded; everything else that the attempt does at the same time is begun anew
 * by the next one. What the code does with the error that is thrown here is of no account: the outcome is settled before.
 */
import type { RunId } from "../../domain/ids.ts";
import type { AwaitedRun, ChildRun } from "../../domain/run/state.ts";
import { openPayloadBytes } from "../../payloads/payload-store.ts";
import { callRun } from "../../objects/run/run-client.ts";
import type { Lease, RunDocument } from "../../objects/run/run-rpc.ts";
import { AtOnce } from "../../platform/at-once.ts";
import type { AttemptEnd } from "./cancellation.ts";
import type { AttemptSteps } from "./steps.ts";
import { RunGoneError, TaskSuspendedError } from "../author/errors.ts";
import { openOutput } from "./run-output.ts";
import { resultTimedOut } from "../author/trigger-calls.ts";

/** Up to this, and at most half of what is left of the attempt's time, a wait holds its worker. */
const IN_PLACE_MS = 5_000;

/** Runs that are asked in place at the same time: an invocation has six connections. */
const IN_PLACE_AT_ONCE = 6;

/** An attempt that waits for more runs is suspended when it has begun no further wait for so long. */
const QUIET_MS = 500;

/** The longest wait: 30 days. */
const MAX_WAIT_MS = 2_592_000_000;

export class AttemptWaits {
  readonly #lease: Lease;
  readonly #end: AttemptEnd;
  readonly #steps: AttemptSteps;
  readonly #env: Env;
  readonly #endsAt: number;
  readonly #untilTriggered: () => Promise<void>;
  /** How often each run was awaited. */
  readonly #calls = new Map<string, number>();
  readonly #pending = new Map<string, AwaitedRun>();
  /** Runs that are known to be final. */
  readonly #arrived: ReadonlyMap<string, ArrivedRun>;
  /** Waits that were begun. */
  #begun = 0;
  #quiet: Promise<void> | null = null;
  /** What final runs came to is fetched a few at a time: the attempt has other calls to make. */
  readonly #fetching = new AtOnce(4);

  /** `endsAt`: when the time of the attempt is up, epoch ms. `untilTriggered`: resolves once no trigger of the attempt is under way. */
  constructor(
    lease: Lease,
    end: AttemptEnd,
    steps: AttemptSteps,
    env: Env,
    endsAt: number,
    untilTriggered: () => Promise<void>,
  ) {
    this.#untilTriggered = untilTriggered;
    this.#lease = lease;
    this.#end = end;
    this.#steps = steps;
    this.#env = env;
    this.#endsAt = endsAt;
    this.#arrived = new Map(lease.arrived?.map((run) => [run.runId, run]));
  }

  /** The run's document once it is final. Rejects with `ResultTimeoutError` after the timeout, and when the task is suspended. */
  resultOf(child: ChildRun, timeoutMs: number): Promise<RunDocument> {
    return this.#finalOf(child, timeoutMs, {});
  }

  /** What the run has passed, or its task of this name. Rejects as `resultOf`, and as `openOutput`. */
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
      // It was deleted. Either it has just been triggered anew, or it is only remembered, and nothing comes of waiting for it.
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
    // The clock may have been set back: the attempt has never more left than its whole time.
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
      this.#end.throwIfCome();
      const suspended = new TaskSuspendedError(runId);
      this.#end.force(() => suspended, { type: "suspended", awaits: [...this.#pending.values()] });
      throw suspended;
    } finally {
      this.#pending.delete(call);
    }
  }

  /** The attempt may be about to begin further waits: all of them are to be waited for at once. */
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

/** The one mapping of a document that a final run has told: it is what `describe` would have answered. */
function documentIn(text: string): RunDocument {
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return JSON.parse(text) as RunDocument;
}
