/**
 * RPC interface of a run object. Expected outcomes are returned; a throw means broken infrastructure (reset, overload, code
 * update), to be retried with a fresh stub (`objects/run/run-client.ts`).
 */
import type { CompletionStanding } from "../../domain/run/external-task.ts";
import type { InputShape, RunGraph } from "../../domain/plan/run-graph.ts";
import type { RunId } from "../../domain/ids.ts";
import type { OutsideInput } from "../../domain/run/task-inputs.ts";
import type { LimitKind, PayloadLimitKeys, SlotHolder, Standing } from "../../domain/limits/limit.ts";
import type { LimitedChild } from "../../domain/limits/limited-children.ts";
import type { PayloadDelivery, PayloadParcel } from "../../domain/payload.ts";
import type { AttemptError, Progress } from "../../domain/run/attempt.ts";
import type { AwaitedRun, FailReason, FinalRun } from "../../domain/run/task-state.ts";
import type { ChildRun } from "../../domain/run/state.ts";
import type { AttemptStatus, RunStatus, TaskStatus } from "../../domain/statuses.ts";
import type { EventAttributes, TriggerOrigin } from "../../domain/trigger.ts";
import type { PayloadDigest } from "../../domain/trigger-key.ts";
import type { Claimant, LostOutcome } from "../../domain/run/machine-events.ts";
import type { Versioned } from "../../domain/version.ts";

declare const brand: unique symbol;

export interface AcceptRequest extends Versioned {
  readonly runId: RunId;
  /** Names this call: when it is made again, because its answer was lost, it is recognised as itself. */
  readonly nonce: string;
  /** Of the payload; absent: what comes again with the same key is not compared, or there is no key. */
  readonly digest?: PayloadDigest;
  readonly graph: RunGraph;
  readonly origin: TriggerOrigin;
  readonly payload: PayloadParcel;
  /** Of a replay: what its tasks read from those that are not in it. */
  readonly recorded?: readonly (OutsideInput & {
    readonly payload: PayloadParcel;
    readonly limitKeys?: PayloadLimitKeys;
  })[];
  /** Signs the completion URLs of its external tasks (see `execution/external/completion-token.ts`); absent: it has none. */
  readonly completionKey?: string;
  /** What the payload says about the limits of the root task; absent where they ask for nothing in it. */
  readonly limitKeys?: PayloadLimitKeys;
  /** With `dispatch: direct`: the accepting invocation is the driver, and gets the first lease in the same call. */
  readonly claim?: ClaimRequest;
  /** How long the root task waits before it may start; absent: not at all. Milliseconds. */
  readonly delayMs?: number;
  /** Of a debounced task: a digest of the trigger's key; absent: it has none. */
  readonly key?: string;
  /** Of a debounced task: the longest wait from the first trigger on; absent: it waits for as long as they come. Milliseconds. */
  readonly maxWaitMs?: number;
}

/** By what a run of a debounced task knows a trigger again. `origin` absent: somebody only asks. */
export type JoiningTrigger = Pick<AcceptRequest, "nonce" | "key" | "digest"> & Partial<Pick<AcceptRequest, "origin">>;

/** One that has come before changes nothing. `mustBeThere`: it makes no run. */
export type PostponingTrigger = AcceptRequest & { readonly delayMs: number; readonly mustBeThere?: true };

/**
 * - `recorded`: this call has made the run, now or when it was made before.
 * - `joined`: the run was there, and has taken the payload, now or when this call was made before (a debounced task).
 * - `deduplicated`: the run was there already. `mismatch`: it was, with another payload. Either way nothing was changed.
 */
export type AcceptOutcome = "recorded" | "joined" | "deduplicated" | "mismatch";

export interface AcceptAnswer {
  readonly status: RunStatus;
  readonly outcome: AcceptOutcome;
  readonly grant: Grant;
}

/** An `AcceptAnswer` as it goes over the wire (see `grant-rpc.ts`). */
export type AcceptText = string & { readonly [brand]: "AcceptAnswer" };

/** A `Grant` as it goes over the wire (see `grant-rpc.ts`). */
export type GrantText = string & { readonly [brand]: "Grant" };

export interface ClaimRequest extends Versioned {
  /** Tasks that the driver is still running; 0 and nothing granted means that it leaves. */
  readonly holding: number;
  /** The tasks that the driver knows to be paused: they are held back. Absent: none. */
  readonly paused?: readonly string[];
  /** What is left of the driver's time; a task is granted only if its timeout fits. Milliseconds. */
  readonly budgetMs: number;
  /** Items of `each` tasks that it would take, if more than it runs side by side (see `DriverClaim`). */
  readonly items?: number;
  /** Names the driver and the call, the same in each try: who calls again, since the answer was lost, gets the same leases. */
  readonly call?: string;
  /** When the message was sent that has started the driver; absent: none has. Epoch milliseconds. */
  readonly sentAt?: number;
  /** Whose code the driver runs (`Deployment.id`): what that is known not to have is not granted. */
  readonly deployment?: string;
}

/** The right to run one attempt, with what it needs. */
export interface Lease {
  readonly runId: RunId;
  readonly ordinal: number;
  readonly task: string;
  readonly method: string;
  readonly module?: string;
  readonly attempt: number;
  readonly token: number;
  readonly timeoutMs: number;
  readonly inlineLimitBytes: number;
  /** How many runs led to this one (see `TriggerOrigin`). */
  readonly depth: number;
  /** Where the deployment was reached when its run was triggered; absent: nobody knows, or no task is external. */
  readonly url?: string;
  /** Of an external task: what its completion URL is made of. */
  readonly completion?: { readonly key: string; readonly expiresAt: number };
  readonly shape: InputShape;
  /** `trigger` and `value`: exactly one; `keyed`: one for each parent that passed something, by its name. */
  readonly inputs: readonly { readonly parent: string; readonly payload: PayloadDelivery }[];
  /** The trace that the run belongs to; absent: none. */
  readonly traceparent?: string;
  /** The CloudEvent that started the run; absent: none. */
  readonly event?: EventAttributes;
  /** Upstream tasks in peach.conf, in this run or not. */
  readonly parents: readonly string[];
  /** Names of the children in this run, for `passToChildTask({to})`. */
  readonly children: readonly string[];
  /** What the steps of earlier attempts came to; absent: none has finished. */
  readonly steps?: readonly { readonly name: string; readonly payload: PayloadDelivery }[];
  /** By call of `result()`, when a wait of earlier attempts is over, epoch ms; absent: none was suspended. */
  readonly waits?: Readonly<Record<string, number>>;
  /** Of the runs that earlier attempts awaited, those that are final, with their `RunDocument` if it was brought along; absent: none. */
  readonly arrived?: readonly {
    readonly runId: RunId;
    readonly status: FinalRun["status"];
    readonly document: PayloadDelivery | null;
  }[];
  /** The children whose limits look into what this task passes, and where (`each`: into each item); absent: none does. */
  readonly limited?: readonly LimitedChild[];
  readonly item?: LeasedItem;
  /** The attempt of an `each` task itself: it puts together what its items passed. */
  readonly gathers?: true;
}

/** Which item of an `each` task an attempt is for. */
export interface LeasedItem {
  readonly index: number;
  readonly total: number;
  /** The ordinal of the task. */
  readonly of: number;
  /** The lease's input is the array that this item is part of; else it is the item itself. */
  readonly isElement: boolean;
}

/** A step that the attempt of this lease has finished. */
export interface FinishedStep {
  readonly ordinal: number;
  readonly attempt: number;
  readonly token: number;
  readonly name: string;
  readonly result: PayloadParcel;
}

export interface Grant {
  readonly leases: readonly Lease[];
}

/** How an attempt ended. */
export type AttemptOutcome =
  | {
      readonly type: "succeeded";
      readonly output: PayloadParcel;
      readonly to: Readonly<Record<string, PayloadParcel>> | null;
      /** The children that may run; absent: all. */
      readonly chosen?: readonly string[];
      /** What was passed to each of the lease's `limited` children says about its limits. */
      readonly limitKeys?: Readonly<Record<string, PayloadLimitKeys>>;
    }
  /** `retryAfterMs` replaces the policy's delay. */
  | {
      readonly type: "failed";
      readonly error: AttemptError;
      readonly retryable: boolean;
      readonly retryAfterMs: number | null;
      readonly reason: FailReason;
    }
  | { readonly type: "timed_out"; readonly error: AttemptError }
  /** The method of an external task has returned. */
  | { readonly type: "waiting" }
  /** Its worker died, or the surroundings failed: it is started again, which does not count against `retries`. */
  | LostOutcome
  /** This deployment's code does not have the method: nothing was executed, and the task waits for a deploy that has it. */
  | { readonly type: "undeployed"; readonly deployment: string; readonly error: AttemptError }
  /** It awaits other runs, and is started again when all of them are final, or one of the waits fails or is over. */
  | { readonly type: "suspended"; readonly awaits: readonly AwaitedRun[] };

export interface LogLine {
  readonly at: number;
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | null;
}

export interface Settlement {
  readonly ordinal: number;
  readonly attempt: number;
  readonly token: number;
  readonly outcome: AttemptOutcome;
  /** Runs that the attempt triggered, however it ended. */
  readonly children: readonly ChildRun[];
  readonly logs: readonly LogLine[];
  readonly logsDropped: number;
  /** What it said last; absent: nothing. */
  readonly progress?: Progress;
}

/** What an attempt that is under way has to say. It is kept in memory only: its settlement brings all of it again. */
export interface AttemptReport {
  readonly ordinal: number;
  readonly attempt: number;
  readonly token: number;
  /** If it has changed. */
  readonly progress?: Progress;
  /** Its log lines from this one on. */
  readonly from: number;
  readonly lines: readonly LogLine[];
  readonly dropped: number;
}

export interface ReportAnswer {
  /** How many of the attempt's lines the run knows: the next report goes on there. */
  readonly lines: number;
  /** Why the attempt is over and should end; null: it goes on. */
  readonly over: "cancelled" | "superseded" | null;
}

export interface SettleRequest extends Versioned {
  readonly settlements: readonly Settlement[];
  /** Null: the caller wants no further work. */
  readonly claim: ClaimRequest | null;
}

/** The stored bytes of an inline payload, or the key of the object in R2. */
export type StoredPayload = PayloadParcel;

/** What drivers call. */
export interface RunWork {
  /** A driver asks for work. */
  claim(request: ClaimRequest): Promise<GrantText>;
  /** A driver reports attempts and gets the next leases. Stale ones are ignored. */
  settle(request: SettleRequest): Promise<GrantText>;
}

/** Answers about a run that is not there (never accepted, or deleted after retention) are null. */
export interface RunRpc extends RunWork {
  /** A session for the calls of a driver. The object stays in memory until it is disposed of, or its holder's invocation ends. */
  session(): Promise<RunWork>;
  // Announces a payload of the trigger in R2, deleted with the run, also without an accept (the caller has died). Without this
  // call or the next, the run's end does not look into R2.
  expectPayload(nonce: string): Promise<void>;
  /** The same of what an attempt passes. False: the run is no more, and nothing must be put there. */
  expectOutput(): Promise<boolean>;
  /** Records the run, durably, before it answers. The same id again changes nothing. */
  accept(request: AcceptRequest): Promise<AcceptText>;
  /** Like `accept`; but while a run of this id still waits, its delay begins anew and this payload counts. Null: it has not taken the trigger. */
  acceptOrPostpone(request: PostponingTrigger): Promise<AcceptText | null>;
  joinedBefore(trigger: JoiningTrigger): Promise<AcceptText | null>;
  /** An executor object claims one task of the long lane. Null: nothing to do (any more). */
  begin(ordinal: number, holder: string, claimant?: Claimant): Promise<Lease | null>;
  /** Keeps what a step came to for later attempts. False: the lease is over, and nothing was kept. */
  recordStep(step: FinishedStep): Promise<boolean>;
  /** The run `by` awaits this one: what it comes to, if it is final or no more; null: `by` is told when it is. */
  watch(by: RunId): Promise<FinalNotice | null>;
  /** An attempt of this run has triggered that one, and may have died since. False: this run is no more. */
  knowChild(child: ChildRun): Promise<boolean>;
  /** The other run, which a task of this one may await, is final. */
  awaited(final: FinalNotice): Promise<void>;
  /**
   * What happens to the run, as server-sent events, from the run as it is or from what came `after` this position on, until the run
   * is final. `over`: it is, and nothing came after this position. `full`: as many listen as may.
   */
  events(after: number | null): Promise<ReadableStream<Uint8Array> | "over" | "full" | null>;
  /** What attempts that are under way have to say; an answer for each. Writes nothing. */
  report(reports: readonly AttemptReport[]): Promise<readonly ReportAnswer[]>;
  /** The bytes of an inline payload that was too large to ride with its lease. */
  held(seq: number, offset: number, size: number): Promise<Uint8Array>;
  /** What the items of an `each` task passed, from this index on; null: that task has none (any more). */
  gather(ordinal: number, from: number): Promise<GatherPage | null>;
  describe(): Promise<RunDocument | null>;
  /** Undefined: no such task. */
  items(task: string, query: ItemQuery): Promise<ItemPage | undefined | null>;
  /** What triggered the run, or what this task, or its item of this index, passed. Undefined: there is no such, or it passed nothing. */
  payload(task: string | null, item?: number): Promise<StoredPayload | undefined | null>;
  /** Without a query: all of them. Undefined: no such task or item. */
  logs(task: string, query?: LogQuery): Promise<TaskLogs | undefined | null>;
  /** Cancels the run, if it has not ended already. `cancelled`: whether this call has done, or begun, anything. */
  cancel(options?: CancelOptions): Promise<{ readonly cancelled: boolean; readonly document: RunDocument } | null>;
  /** Has the final run go on, in place. Null also if its retention is over. `call`: see `CancelOptions`. */
  retry(call?: string): Promise<{ readonly outcome: RetryOutcome; readonly document: RunDocument } | null>;
  /** Has a debt paid after all that was given up (see domain/run/outbox-events.ts). False: it is not there, or not given up; null: there is no run. */
  redrive(debt: number): Promise<boolean | null>;
  /** How an external task stands to being completed. Undefined: there is no such task. */
  completable(target: CompletionTarget): Promise<CompletableTask | undefined | null>;
  /** Somebody reports what an external attempt came to. */
  complete(report: CompletionReport): Promise<CompletionAnswer | null>;
  /** What a replay from this task reads. Null: there is no such run. */
  replayInputs(from: string, outside: readonly OutsideInput[]): Promise<RecordedInputs | null>;
  /** A limit has a slot for this attempt (it is told again now and then, as a check); how the attempt stands to it. */
  permitted(kind: LimitKind, holder: SlotHolder): Promise<Standing>;
  /** A newer attempt, of another run, takes this one's slot: its task is cancelled, unless it has ended. */
  displaced(holder: SlotHolder): Promise<Standing>;
  /** The task is not paused any more: what the run has held back of it starts. */
  resumed(task: string): Promise<void>;
  /** Resolves to the document once the run is final, or to null after `timeoutMs` (or if there is no such run). */
  untilFinal(timeoutMs: number): Promise<RunDocument | null>;
}

/** What was recorded, to be copied into the run that replays it (see `domain/run/task-inputs.ts`). */
export interface RecordedInputs {
  /** Null: the first task has never come to read anything. */
  readonly own: RecordedOwnInputs | null;
  readonly outside: readonly (OutsideInput & RecordedPayload)[];
}

export interface RecordedOwnInputs {
  readonly shape: InputShape;
  readonly parents: readonly string[];
  readonly inputs: readonly RecordedPayload[];
}

interface RecordedPayload {
  readonly parent: string;
  readonly payload: PayloadDelivery;
  /** What it says about the limits of the task that reads it; absent: nothing. */
  readonly limitKeys?: PayloadLimitKeys;
}

/** A run that is final, as it tells those who await it. */
export interface FinalNotice {
  readonly runId: RunId;
  readonly status: FinalRun["status"];
  /** Its `RunDocument`; null: it is too large to be brought along, or gone. */
  readonly document: PayloadParcel | null;
}

/** Which external task: by its name, whichever attempt is open; or one attempt. */
export type CompletionTarget =
  | { readonly task: string }
  | { readonly ordinal: number; readonly attempt: number; readonly token: number };

/** What is needed to complete it. */
export interface CompletableTask extends Pick<Lease, "method" | "module"> {
  readonly task: string;
  readonly status: TaskStatus;
  readonly standing: CompletionStanding | "not_external";
  readonly ordinal: number;
  readonly attempt: number;
  readonly token: number;
  /** When the time of the attempt that is open is over, whichever is named; null: none is. Epoch milliseconds. */
  readonly expiresAt: number | null;
  /** Signs its URLs; null: it has none. */
  readonly key: string | null;
  readonly inlineLimitBytes: number;
  /** The children whose limits look into what completes it. */
  readonly limited: readonly LimitedChild[];
}

/** What somebody reports of an external attempt. */
export interface CompletionReport extends Versioned {
  readonly ordinal: number;
  readonly attempt: number;
  readonly token: number;
  /** The same in each try of one report: the second finds that the first has counted. */
  readonly nonce: string;
  readonly outcome:
    | {
        readonly type: "succeeded";
        readonly output: PayloadParcel;
        /** What it says about the limits of the `limited` children. */
        readonly limitKeys?: Readonly<Record<string, PayloadLimitKeys>>;
      }
    | { readonly type: "failed"; readonly error: AttemptError };
}

export interface CompletionAnswer {
  readonly standing: "completed_now" | Exclude<CompletionStanding, "open">;
  readonly status: TaskStatus;
}

export interface CancelOptions {
  /** Also the runs that it has triggered, and theirs. */
  readonly children: boolean;
  /** Names the call, the same in each try: one that is made again changes nothing more. Absent: it is another one each time. */
  readonly call?: string;
}

/** `nothing_to_retry`: nothing has failed, was skipped for it or was cancelled. Both refusals change nothing. */
export type RetryOutcome = "retried" | "run_not_final" | "nothing_to_retry";

/** The run as `GET /api/v1/runs/{id}` answers it. Times in ISO 8601. */
export interface RunDocument {
  readonly run_id: RunId;
  readonly task: string;
  readonly status: RunStatus;
  readonly trigger: Pick<TriggerOrigin, "source" | "by" | "actor" | "traceparent" | "event"> & {
    readonly parent: { readonly run_id: RunId; readonly task: string } | null;
    readonly replay_of: { readonly run_id: RunId; readonly from: string | null } | null;
  };
  readonly created_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly duration_ms: number | null;
  readonly conf_version: string;
  readonly tasks: readonly TaskDocument[];
  readonly children: readonly { readonly run_id: RunId; readonly task: string }[];
}

export interface TaskDocument {
  readonly task: string;
  readonly status: TaskStatus;
  readonly reason: string | null;
  readonly upstream: readonly string[];
  readonly downstream: readonly string[];
  readonly attempts: readonly AttemptDocument[];
  /** Of the running attempt, or what was said last. */
  readonly progress: { readonly fraction: number; readonly message: string | null; readonly at: string } | null;
  readonly output: { readonly kind: string; readonly size: number; readonly content_type: string } | null;
  /** Why it does not go on by itself just now. */
  readonly waiting_for: WaitingForDocument | null;
  /** Where an external task may be completed while it waits; only for callers who may change the run. */
  readonly completion_url?: string;
  /** Those that have finished; absent: none. */
  readonly steps?: readonly { readonly name: string; readonly finished_at: string }[];
  /** Only of tasks with `each`. */
  readonly each?: {
    readonly total: number;
    readonly succeeded: number;
    readonly failed: number;
    readonly running: number;
  };
}

/** One item of an `each` task. One that nobody has begun is `skipped` when its task has failed. */
export interface ItemDocument extends Pick<TaskDocument, "status" | "reason" | "attempts" | "output"> {
  readonly index: number;
}

export interface ItemQuery {
  /** Null: all. */
  readonly status: TaskStatus | null;
  readonly from: number;
  readonly limit: number;
}

export interface ItemPage {
  readonly items: readonly ItemDocument[];
  /** The index that the next page begins with. */
  readonly next: number | null;
}

/** Null stands for an item that has failed. */
export interface GatherPage {
  readonly items: readonly (PayloadDelivery | null)[];
  readonly next: number | null;
}

/**
 * `run`: suspended until that run is final. `completion`: until somebody completes it, or that time. Else: queued, and held back by
 * a limit or a pause; `key` is the limit's, null if it has none. `deploy`: for code that has its method, `until` then.
 */
export type WaitingForDocument =
  | { readonly for: "completion"; readonly until: string }
  | { readonly for: "run"; readonly run_id: RunId; readonly task: string }
  | { readonly for: LimitKind | "pause"; readonly key: string | null; readonly since: string }
  | { readonly for: "deploy"; readonly method: string; readonly since: string; readonly until: string };

export interface AttemptDocument {
  readonly attempt: number;
  readonly status: AttemptStatus;
  readonly started_at: string;
  readonly finished_at: string | null;
  readonly error: AttemptError | null;
}

export interface TaskLogs {
  readonly logs: readonly (Omit<LogLine, "at"> & { readonly at: string; readonly attempt: number })[];
  /** Lines that were not kept, of all attempts that were asked for. */
  readonly dropped: number;
  /** Where the next page begins; null: nowhere. */
  readonly next: LogPlace | null;
}

/** The place of a line; the first has the number 0. */
export interface LogPlace {
  readonly attempt: number;
  readonly line: number;
}

export interface LogQuery {
  /** Null: all attempts. */
  readonly attempt: number | null;
  /** Of the item of this index; absent: of the task itself. */
  readonly item?: number | undefined;
  readonly from: LogPlace;
  readonly limit: number;
}
