/**
 * Calls on a run object, and the values on the wire. Methods never throw for expected outcomes. A
 * throw means a failing infrastructure (reset, overload, code update), and is to be retried with a
 * fresh stub (`objects/run/run-client.ts`).
 */
import type { GraphTask } from "../../domain/plan/run-graph.ts";
import type { RunId } from "../../domain/ids.ts";
import type { OutsideInput } from "../../domain/run/task-inputs.ts";
import type {
  LimitKind,
  PayloadLimitKeys,
  SlotHolder,
  SlotStatus,
} from "../../domain/limits/limit.ts";
import type { LeasePayload, NewPayload } from "../../domain/payload.ts";
import type { ChildRun } from "../../domain/run/state.ts";
import type { FinalRun } from "../../domain/run/task-state.ts";
import type { Claimant } from "../../domain/run/machine-events.ts";
import type { AcceptRequest, JoiningTrigger, PostponingTrigger, AcceptText } from "./accept-rpc.ts";
import type { ClaimRequest, Lease, GrantText, FinishedStep } from "./lease-rpc.ts";
import type { AttemptReport, ReportAnswer, SettleRequest } from "./settlement-rpc.ts";
import type {
  CompletionTarget,
  CompletableTask,
  CompletionReport,
  CompletionAnswer,
} from "./completion-rpc.ts";
import type { RunDocument, ItemQuery, ItemPage, TaskLogs, LogQuery } from "./run-documents-rpc.ts";

/** Calls of a driver. */
export interface RunWork {
  /** Requests work for a driver. */
  claim(request: ClaimRequest): Promise<GrantText>;
  /** Settles attempts and grants the next leases. Stale settlements are rejections. */
  settle(request: SettleRequest): Promise<GrantText>;
}

/**
 * Calls of a run object. Answers about a missing run (never accepted, or deleted after its
 * retention) are null.
 */
export interface RunRpc extends RunWork {
  /**
   * Opens a session for a driver's calls. The object stays in memory until the session is disposed
   * of, or the holder's invocation ends.
   */
  session(): Promise<RunWork>;
  /**
   * Announces a payload of the trigger before the payload is put into R2. The payload is deleted
   * with the run, or without a run if the caller dies before the accept. Without an announcement
   * the run's end does not list R2.
   */
  expectPayload(nonce: string): Promise<void>;
  /**
   * Announces an attempt's output in the same way. False: the run is gone, and nothing must be
   * stored.
   */
  expectOutput(): Promise<boolean>;
  /** Records the run durably before answering. The same id again changes nothing. */
  accept(request: AcceptRequest): Promise<AcceptText>;
  /**
   * Works like `accept`; while a run of this id still waits, the delay restarts with this payload.
   * Null: the run did not take the trigger.
   */
  acceptOrPostpone(request: PostponingTrigger): Promise<AcceptText | null>;
  /** Answers a repeated trigger of a debounced task; null: the run has not taken the trigger. */
  joinedBefore(trigger: JoiningTrigger): Promise<AcceptText | null>;
  /** Claims one task of the long lane for an executor object. Null: nothing to do. */
  begin(ordinal: number, holder: string, claimant?: Claimant): Promise<Lease | null>;
  /**
   * Stores the result of a step for later attempts. False: the lease is over, and nothing was
   * stored.
   */
  recordStep(step: FinishedStep): Promise<boolean>;
  /**
   * Subscribes the run `by` to the end of this run. Returns the notice at once if this run is final
   * or gone; null: the notice follows.
   */
  watch(by: RunId): Promise<FinalNotice | null>;
  /** Registers a child of this run, whose attempt may have died since. False: this run is gone. */
  knowChild(child: ChildRun): Promise<boolean>;
  /** Delivers the notice of a final run that a task of this run may await. */
  awaited(final: FinalNotice): Promise<void>;
  /**
   * Streams the run's events as server-sent events until the run is final: from the whole run on,
   * or from the changes after `after`. `over`: the run is final, and nothing follows the position.
   * `full`: too many subscribers.
   */
  events(after: number | null): Promise<ReadableStream<Uint8Array> | "over" | "full" | null>;
  /** Records reports of running attempts; returns an answer for each. Writes nothing. */
  report(reports: readonly AttemptReport[]): Promise<readonly ReportAnswer[]>;
  /** Reads an inline payload that was too large for its lease. */
  held(seq: number, offset: number, size: number): Promise<Uint8Array>;
  /**
   * Returns outputs of the items of an `each` task from index `from` on; null: the task has none.
   */
  itemOutputs(ordinal: number, from: number): Promise<ItemOutputsPage | null>;
  describe(): Promise<RunDocument | null>;
  /** Returns a page of items; undefined: no such task. */
  items(task: string, query: ItemQuery): Promise<ItemPage | undefined | null>;
  /**
   * Returns the trigger's payload, or the output of a task or an item. Undefined: no such task or
   * output. `to`: the output that only this child reads, for the children in `passed_to`.
   */
  payload(task: string | null, item?: number, to?: string): Promise<NewPayload | undefined | null>;
  /** Returns log lines, all without a query. Undefined: no such task or item. */
  logs(task: string, query?: LogQuery): Promise<TaskLogs | undefined | null>;
  /** Cancels the run unless final. `cancelled`: this call has cancelled something, or begun to. */
  cancel(
    options?: CancelOptions,
  ): Promise<{ readonly cancelled: boolean; readonly document: RunDocument } | null>;
  /**
   * Retries the final run in place. Null also if the retention is over. `call`, `by`: see
   * `CancelOptions`.
   */
  retry(
    call?: string,
    by?: string,
  ): Promise<{ readonly outcome: RetryOutcome; readonly document: RunDocument } | null>;
  /**
   * Redrives a parked outbox entry (see domain/run/outbox.ts). False: no such entry, or not
   * parked; null: no run.
   */
  redrive(debt: number): Promise<boolean | null>;
  /** Describes whether an external task can be completed. Undefined: no such task. */
  completable(target: CompletionTarget): Promise<CompletableTask | undefined | null>;
  /** Reports the result of an external attempt. */
  complete(report: CompletionReport): Promise<CompletionAnswer | null>;
  /** Returns the recorded inputs for a replay from this task. Null: no such run. */
  replayInputs(from: string, outside: readonly OutsideInput[]): Promise<RecordedInputs | null>;
  /**
   * Grants a slot of a limit to an attempt (repeated now and then as a check); returns the
   * attempt's status.
   */
  permitted(kind: LimitKind, holder: SlotHolder): Promise<SlotStatus>;
  /**
   * Preempts an attempt in favor of a newer attempt of another run: the task is cancelled unless
   * ended.
   */
  displaced(holder: SlotHolder): Promise<SlotStatus>;
  /** Reports that the task is no longer paused: blocked attempts start. */
  resumed(task: string): Promise<void>;
  /**
   * Resolves to the document once the run is final, or to null after `timeoutMs` or without a run.
   */
  untilFinal(timeoutMs: number): Promise<RunDocument | null>;
}

/** Recorded inputs, to be copied into a replay (see `domain/run/task-inputs.ts`). */
export interface RecordedInputs {
  /** Null: the first task never got any input. */
  readonly own: RecordedOwnInputs | null;
  readonly outside: readonly (OutsideInput & RecordedPayload)[];
}

/** Recorded inputs of the task with which a replay starts. */
export interface RecordedOwnInputs extends Pick<GraphTask, "shape" | "parents"> {
  readonly inputs: readonly RecordedPayload[];
}

interface RecordedPayload {
  readonly parent: string;
  readonly payload: LeasePayload;
  /** Limit keys of the payload for the reading task; absent: none. */
  readonly limitKeys?: PayloadLimitKeys;
}

/** The notice of a final run to the waiting runs. */
export interface FinalNotice {
  readonly runId: RunId;
  readonly status: FinalRun["status"];
  /** The `RunDocument`; null: too large to attach, or the run is gone. */
  readonly document: NewPayload | null;
}

/** Options of a cancellation. */
export interface CancelOptions {
  /** Also cancels all runs triggered by the run, recursively. */
  readonly children: boolean;
  /**
   * Name of the call, the same in each retry: a repeated call changes nothing more. Absent: each
   * call counts.
   */
  readonly call?: string;
  /** Actor that cancels, for the history; absent: nobody had to authenticate. */
  readonly by?: string;
}

/**
 * `nothing_to_retry`: no task failed, was skipped for a failure or was cancelled. Both refusals
 * change nothing.
 */
export type RetryOutcome = "retried" | "run_not_final" | "nothing_to_retry";

/** Null stands for a failed item. */
export interface ItemOutputsPage {
  readonly items: readonly (LeasePayload | null)[];
  readonly next: number | null;
}
