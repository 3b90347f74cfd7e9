/**
 * The state of one run. `domain/run/machine.ts` decides changes, `domain/run/apply-change.ts` folds them in; nobody else makes them.
 *
 * A change is what one journal entry records: the new state of the tasks it touches, and at most one attempt record for each.
 */
import type { RunGraph, GraphTask } from "../plan/run-graph.ts";
import type { RunId } from "../ids.ts";
import type { LackingByTask } from "../lacking-methods.ts";
import type { Hold, PayloadLimitKeys } from "../limits/limit.ts";
import type { PayloadRef } from "../payload.ts";
import type { SkipReason } from "./start-rule.ts";
import type { AttemptStatus, RunStatus } from "../statuses.ts";
import type { TriggerOrigin } from "../trigger.ts";
import type { PayloadDigest } from "../trigger-key.ts";

/** Why an attempt failed, as the task's author will read it. */
export interface AttemptError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | null;
}

/** Log lines of an attempt: JSON lines beside the journal entry that ended it. */
export interface LogRef {
  readonly seq: number;
  readonly offset: number;
  readonly size: number;
  readonly lines: number;
  /** Lines over the limit that were not kept. */
  readonly dropped: number;
}

export interface AttemptRecord {
  /** From 1, lost attempts included. */
  readonly attempt: number;
  readonly status: AttemptStatus;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly error: AttemptError | null;
  readonly logs: LogRef | null;
  /** Of a lost attempt: what it was lost to, as far as is known by now (see losses.ts). */
  readonly lostTo?: LostTo;
  /** Of one that was lost to its worker: the worker ran nothing else. */
  readonly alone?: true;
  /** Of one that was alone: others of the deployment have died at about the same time, or nobody can tell yet. */
  readonly beside?: true;
  /** Of one that was lost to a deploy: which deployment did not have the method (`Deployment.id`). */
  readonly lackedBy?: string;
  /** What it said last of its progress; absent: nothing. */
  readonly progress?: Progress;
  /** Of an external attempt: which report has completed it. */
  readonly completedBy?: string;
  /** Of an external attempt: the token of its lease, which its completion URL names. */
  readonly token?: number;
}

/** How far an attempt says that it has come. */
export interface Progress {
  /** From 0 to 1. */
  readonly fraction: number;
  readonly message: string | null;
  readonly at: number;
}

/** What a step of a task came to. It is kept for every later attempt of the task. */
export interface StepRecord {
  readonly name: string;
  readonly result: PayloadRef;
  readonly finishedAt: number;
}

/** A run whose result a suspended task awaits. */
export interface AwaitedRun {
  readonly runId: RunId;
  readonly task: string;
  /** Which `result()` of the attempt awaits it: the same call finds its deadline again in the next attempt. */
  readonly call: string;
  /** When the wait is over. */
  readonly until: number;
  /** The wait fails if the run does: it is the run's output that is awaited. */
  readonly needsSuccess?: true;
}

/** An awaited run that has said that it is final. */
export interface FinalRun {
  readonly runId: RunId;
  /** `gone`: it is no more, its retention is over. */
  readonly status: RunStatus | "gone";
  /** Its document, so that nobody has to ask for it; absent: too large to be brought along, or gone. */
  readonly document?: PayloadRef;
}

/**
 * - `worker`: its worker died, or was not heard of before the lease ended. The task is a suspect from then on (see losses.ts).
 * - `surroundings`: storage or the platform refused, a deploy took the worker, or the run could not be reached. Says nothing of the
 *   task.
 * - `deploy`: the deployment that ran it does not have its method. It waits for one that has (see `undeployed.ts`).
 */
export type LostTo = "worker" | "surroundings" | "deploy";

/** What an attempt passed on: `output` to every child, but `to` overrides it for the children named there. */
export interface TaskOutput {
  readonly output: PayloadRef;
  readonly to: Readonly<Record<string, PayloadRef>> | null;
  /** The children that may run (`runOnlyChildTasks`); absent: all. */
  readonly chosen?: readonly string[];
  /** By child: what was passed to it says this about its limits. */
  readonly limitKeys?: Readonly<Record<string, PayloadLimitKeys>>;
}

/**
 * Why a task failed (the last three: a task with `each`):
 * - `error`: its last allowed attempt threw or timed out, or it threw an error that must not be retried.
 * - `worker_lost`: three times in a row it has killed a worker that ran nothing else.
 * - `unavailable`: for a day all of its attempts were lost, to whatever it was.
 * - `broken`: its run could not go on, since deciding what happens to it failed again and again (see broken-run.ts).
 * - `method_missing`: no code that was deployed in all of the run's retention had its method.
 * - `not_an_array`: what it reads is no JSON array, or its upstream task passed nothing.
 * - `too_many_items`: the array has more than 10,000 items.
 * - `item_failed`: an item failed for good.
 */
export const FAIL_REASONS = [
  "error",
  "worker_lost",
  "unavailable",
  "broken",
  "method_missing",
  "not_an_array",
  "too_many_items",
  "item_failed",
] as const;
export type FailReason = (typeof FAIL_REASONS)[number];

/** A member carries only what is legal for it. See `TASK_STATUSES` for what each means. `*At` are epoch milliseconds. */
export type TaskState =
  | { readonly status: "pending" }
  /**
   * `redispatchAt`: when to look whether the last message was lost, and to send another if so. `sentAt`: when it was sent, if that
   * does not follow from it (see `queue-progress.ts`). `notBefore`: its trigger asked for a delay. `hold`:
   * it is held back by a limit or a pause, which is asked again then (see `hold.ts`), or waits for a deploy.
   */
  | {
      readonly status: "queued";
      readonly dispatches: number;
      readonly redispatchAt: number;
      readonly sentAt?: number;
      readonly notBefore?: number;
      readonly hold?: Hold;
    }
  /**
   * Only who has `token` may settle. `holder` is the executor object in which it runs, `call` the call of a driver that was granted it:
   * either may ask for it again.
   */
  | {
      readonly status: "running";
      readonly attempt: number;
      readonly token: number;
      readonly expiresAt: number;
      readonly holder?: string;
      readonly call?: string;
    }
  | { readonly status: "retrying"; readonly retryAt: number }
  /**
   * Of a task with `each`: its items are under way; their ordinals begin with `first`. `redispatchAt`: when to look for the
   * message about items that nobody has begun, sent at `sentAt`; null: all were begun that have a place.
   */
  | {
      readonly status: "each";
      readonly first: number;
      readonly total: number;
      readonly dispatches: number;
      readonly redispatchAt: number | null;
      readonly sentAt?: number;
    }
  /**
   * Suspended: goes on when all of these runs are final, one of the waits fails, or one is over. `until`: when the first of those left
   * is. `awaits`: those that it awaits; absent: as before. `askAt`: when to ask them again.
   */
  | {
      readonly status: "waiting";
      readonly for: "run";
      readonly awaits?: readonly AwaitedRun[];
      readonly until: number;
      readonly asks: number;
      readonly askAt: number;
    }
  /** Of an external task: its method has returned, and nobody has completed it yet. Its attempt is still under way. */
  | {
      readonly status: "waiting";
      readonly for: "completion";
      readonly attempt: number;
      readonly token: number;
      readonly expiresAt: number;
    }
  | { readonly status: "succeeded"; readonly finishedAt: number; readonly passed: TaskOutput }
  | { readonly status: "failed"; readonly finishedAt: number; readonly reason: FailReason }
  | { readonly status: "skipped"; readonly finishedAt: number; readonly reason: SkipReason }
  /** `reason`: it gave way to a newer attempt (`strategy: cancel_running`); absent: the run was cancelled. */
  | { readonly status: "cancelled"; readonly finishedAt: number; readonly reason?: "concurrency" };

export type FinalState = Extract<TaskState, { readonly finishedAt: number }>;

export interface TaskChange {
  readonly ordinal: number;
  readonly state: TaskState;
  /** Added, or replacing the record of the same attempt. */
  readonly attempts: readonly AttemptRecord[];
  /** The task was retried in place after so many attempts; absent: it was not. */
  readonly retriedAfter?: number;
}

/** A trigger of a debounced task whose payload a run has taken. `digest`: of its payload, if that is compared. */
export interface JoinedTrigger {
  readonly nonce: string;
  readonly digest?: PayloadDigest;
}

export interface ChildRun {
  readonly runId: RunId;
  readonly task: string;
}

export interface RunChange {
  readonly tasks: readonly TaskChange[];
  readonly run?: {
    readonly status: RunStatus;
    readonly startedAt: number | null;
    readonly finishedAt: number | null;
  };
  /** The fencing token handed out last. */
  readonly lastToken?: number;
  readonly children?: readonly ChildRun[];
  /** A later trigger of a debounced task took the place of the one that started the run. */
  readonly payload?: PayloadRef;
  readonly limitKeys?: PayloadLimitKeys;
  /** By whom. */
  readonly joined?: JoinedTrigger & { readonly id: string };
  readonly steps?: readonly (StepRecord & { readonly ordinal: number })[];
  /** Runs that tasks await and that are final now. */
  readonly arrived?: readonly (FinalRun & { readonly ordinal: number })[];
  /** Runs that want to be told when this one is final. */
  readonly watchers?: readonly RunId[];
  /** A run that has found this one by its key, besides the one that has triggered it. */
  readonly foundBy?: RunId;
  /** The parent run has this one among its children. */
  readonly parentKnows?: true;
  /** Watchers that know it, or that are no more. */
  readonly told?: readonly RunId[];
  /** When the watchers are told again. */
  readonly telling?: Telling;
  /** New debts, or what has become of earlier ones of the same id. */
  readonly owes?: readonly Owed[];
  /** Debts that were acknowledged, by id. */
  readonly paid?: readonly number[];
  /** Whether the runs that this one has triggered are cancelled with it. */
  readonly cancelsChildren?: boolean;
}

/**
 * - `alert`: the task of `on_failure` is triggered with a summary of the run as it failed, which a retry does not change any more.
 * - `cancel_children`: runs that this one has triggered are cancelled, those from number `next` up to (without) number `until`: those
 *   that were known when they were to be cancelled. What is triggered after a retry has nothing to do with it.
 */
export type Debt =
  | {
      readonly type: "alert";
      readonly startedAt: number | null;
      readonly finishedAt: number;
      /** The first ones. `attempts`: how many there were. */
      readonly failed: readonly FailedTask[];
    }
  | { readonly type: "cancel_children"; readonly next: number; readonly until: number };

export interface FailedTask {
  readonly ordinal: number;
  readonly reason: FailReason;
  readonly attempts: number;
}

export interface Owed {
  /** From 1, counted over the whole run. */
  readonly id: number;
  readonly debt: Debt;
  readonly tries: number;
  /** When it is paid again, should nobody have acknowledged it by then. */
  readonly dueAt: number;
  /** Set: it was given up. Nothing is due, and the run is not kept for it; a person may have it paid after all. */
  readonly parked?: true;
}

/** How often the watchers of a final run were told, and when those are told again that have not answered. */
export interface Telling {
  readonly tells: number;
  readonly tellAt: number;
}

/** What is recorded when a run is accepted. */
export interface RunGenesis {
  readonly id: RunId;
  readonly graph: RunGraph;
  readonly origin: TriggerOrigin;
  readonly payload: PayloadRef;
  /** What it says about the limits of the root task. */
  readonly limitKeys?: PayloadLimitKeys;
  readonly createdAt: number;
  /** Of the call that has made the run. */
  readonly nonce: string;
  /** Of the payload that it was triggered with; absent: its trigger had no key, or one that compares no payloads. */
  readonly digest?: PayloadDigest;
  /** Of a debounced task: a digest of the first trigger's key; absent: it had none. */
  readonly key?: string;
  /** Signs the completion URLs of its external tasks; absent: it has none. */
  readonly completionKey?: string;
  /** Of a run that replays a part of another one: what its tasks read from those that are not in it; absent: nothing. */
  readonly recorded?: readonly RecordedInput[];
}

/** What a task reads from an upstream task in peach.conf that is not in its run. */
export interface RecordedInput {
  readonly task: string;
  readonly parent: string;
  readonly payload: PayloadRef;
  readonly limitKeys?: PayloadLimitKeys;
}

/** Whose item it is: the ordinal of its `each` task, and its place in the array. */
export interface ItemPlace {
  readonly of: number;
  readonly index: number;
}

/** How many items there are of each kind. What is none of these waits for a driver, or for its next attempt. */
export interface EachProgress {
  readonly first: number;
  readonly total: number;
  /** Not begun. */
  pending: number;
  running: number;
  succeeded: number;
  failed: number;
  cancelled: number;
  skipped: number;
  /** All before this index were begun. */
  cursor: number;
  /** What the items passed: bytes in all, and how many of them lie in R2. */
  bytes: number;
  inR2: number;
}

export interface TaskEntry {
  /** Of an item: its `each` task. */
  readonly task: GraphTask;
  state: TaskState;
  readonly attempts: AttemptRecord[];
  /** How many attempts there were when the task was last retried in place: they count against no budget any more. */
  retriedAfter: number;
  /** Derived: so many attempts came before the last progress, and count no more either; absent: it has made none. */
  progressAfter?: number;
  /** Derived: an attempt since the last retry in place was lost to its worker; absent: none was. */
  isSuspect?: boolean;
  /** Derived: how many upstream tasks are not final. */
  waitingOn: number;
  /** Derived, of a task with `each` once its items are known. */
  each?: EachProgress;
  /** Of an item: the ordinal of its `each` task, and its place in the array. */
  readonly item?: ItemPlace;
  /** In the order in which they finished; absent: none. */
  steps?: StepRecord[];
  /** Derived: by `call`, when a wait of this task for another run is over, or was; absent: it never waited. */
  waits?: Readonly<Record<string, number>>;
  /** The runs that its last suspended attempt awaits; absent: none was. */
  awaits?: readonly AwaitedRun[];
  /** By id, those that its attempts have awaited and that are final; absent: none. */
  arrived?: Record<string, FinalRun>;
}

export interface Run extends RunGenesis {
  payload: PayloadRef;
  /** Of a debounced task: the triggers that it has taken, by a digest of their key, or by their nonce. */
  readonly joined: Record<string, JoinedTrigger>;
  limitKeys?: PayloadLimitKeys;
  status: RunStatus;
  startedAt: number | null;
  finishedAt: number | null;
  lastToken: number;
  /** Derived: how often its status has changed. */
  revision: number;
  readonly tasks: TaskEntry[];
  /** Items of `each` tasks: the first has the ordinal after the last task's. Find entries by `entryOf`. */
  readonly items: TaskEntry[];
  /** Derived: the `each` tasks whose items are known. */
  readonly eaches: number[];
  readonly children: ChildRun[];
  /** Those who have yet to be told that the run is final. */
  watchers: readonly RunId[];
  /** Runs that have found this one by its key, besides the one that has triggered it. */
  foundBy: readonly RunId[];
  /** Whether the parent run has this one among its children, or is not asked any more (see objects/run/parent-link.ts). */
  parentKnows: boolean;
  telling: Telling | null;
  /** What nobody has acknowledged yet (see owed.ts). */
  owed: readonly Owed[];
  /** Derived: how many debts there ever were. */
  owedEver: number;
  cancelsChildren: boolean;
  /** Derived: how many tasks are not final. */
  open: number;
  /** Derived: by ordinal of the task, for its items too, the deployments that are known not to have its method. */
  readonly lacking: LackingByTask;
  /** Derived: ordinals, of items too, that are queued, running, retrying or waiting, so that nothing scans a wide run. */
  readonly active: Set<number>;
}

/** The run as it is before its first change: every task pending. */
export function newRun(genesis: RunGenesis): Run {
  const tasks = genesis.graph.tasks.map((task): TaskEntry => ({
    task,
    state: { status: "pending" },
    attempts: [],
    retriedAfter: 0,
    waitingOn: task.upstream.length,
  }));
  return {
    ...genesis,
    joined: firstJoined(genesis),
    status: "queued",
    startedAt: null,
    finishedAt: null,
    lastToken: 0,
    revision: 0,
    tasks,
    items: [],
    eaches: [],
    children: [],
    watchers: [],
    foundBy: [],
    parentKnows: false,
    telling: null,
    owed: [],
    owedEver: 0,
    cancelsChildren: false,
    open: tasks.length,
    lacking: {},
    active: new Set(),
  };
}

function firstJoined({ key, nonce, digest }: RunGenesis): Record<string, JoinedTrigger> {
  return key === undefined ? {} : { [key]: { nonce, ...(digest !== undefined && { digest }) } };
}

/** The task or item of this ordinal. */
export function entryOf(run: Run, ordinal: number): TaskEntry | undefined {
  return run.tasks[ordinal] ?? run.items[ordinal - run.tasks.length];
}

/** Whether this task state never changes by itself. */
export function isFinal(state: TaskState): state is FinalState {
  switch (state.status) {
    case "succeeded":
    case "failed":
    case "skipped":
    case "cancelled":
      return true;
    case "pending":
    case "queued":
    case "running":
    case "retrying":
    case "each":
    case "waiting":
      return false;
  }
}

/** Whether something about this task is due at some time. */
export function isActive(state: TaskState): boolean {
  return dueAt(state) !== null;
}

/** When the run must look at this task again if nobody calls, or null. */
export function dueAt(state: TaskState): number | null {
  switch (state.status) {
    case "queued":
    case "each":
      return state.redispatchAt;
    case "running":
      return state.expiresAt;
    case "retrying":
      return state.retryAt;
    case "waiting":
      if (state.for === "completion") return state.expiresAt;
      return Math.min(state.until, state.askAt);
    case "pending":
    case "succeeded":
    case "failed":
    case "skipped":
    case "cancelled":
      return null;
  }
}
