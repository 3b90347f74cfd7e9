/**
 * State of a run. `machine.ts` decides changes, `apply-change.ts` applies them; no other code
 * mutates a run. A journal entry records one change: the new state of each touched task, with its
 * attempt records.
 */
import type { RunId } from "../ids.ts";
import type { LackingByTask } from "../lacking-methods.ts";
import type { PayloadLimitKeys } from "../limits/limit.ts";
import type { PayloadRef } from "../payload.ts";
import type { GraphTask, RunGraph } from "../plan/run-graph.ts";
import type { RunStatus } from "../statuses.ts";
import type { PayloadDigest } from "../trigger-key.ts";
import type { TriggerOrigin } from "../trigger.ts";
import type { AttemptRecord, StepRecord } from "./attempt.ts";
import type { OutboxEntry } from "./outbox-entry.ts";
import type { RunAction } from "./run-action.ts";
import type { AwaitedRun, FinalRun, TaskState } from "./task-state.ts";

/** Record of a run's acceptance. */
export interface RunGenesis {
  readonly id: RunId;
  readonly graph: RunGraph;
  readonly origin: TriggerOrigin;
  readonly payload: PayloadRef;
  /** Limit keys of the payload for the root task; absent if no limit reads a key. */
  readonly limitKeys?: PayloadLimitKeys;
  readonly createdAt: number;
  /** Nonce of the accepting call, the same in each retry after a lost answer. */
  readonly nonce: string;
  /**
   * Digest of the trigger's payload; absent without a key, or for a key without payload comparison.
   */
  readonly digest?: PayloadDigest;
  /** Digest of the first trigger's key, for a debounced task; absent: no key. */
  readonly key?: string;
  /**
   * Key that signs the completion URLs (see `execution/external/completion-token.ts`); absent
   * without external tasks.
   */
  readonly completionKey?: string;
  /** Recorded inputs of a partial replay: data of tasks outside the run. */
  readonly recorded?: readonly RecordedInput[];
}

/** Input from a parent in peach.conf outside the run. */
export interface RecordedInput {
  readonly task: string;
  readonly parent: string;
  readonly payload: PayloadRef;
  readonly limitKeys?: PayloadLimitKeys;
}

/** Position of an item: ordinal of its mapped task, and array index. */
export interface ItemPlace {
  readonly of: number;
  readonly index: number;
}

/** Number of items by kind. Uncounted items wait for a driver or their next attempt. */
export interface MappedProgress {
  readonly first: number;
  readonly total: number;
  /** Items not started. */
  pending: number;
  running: number;
  succeeded: number;
  failed: number;
  cancelled: number;
  skipped: number;
  /** Every earlier index has started. */
  cursor: number;
  /** Output of the items: total bytes, and number of outputs in R2. */
  bytes: number;
  inR2: number;
}

export interface TaskEntry {
  /** For an item: its mapped task. */
  readonly task: GraphTask;
  state: TaskState;
  readonly attempts: AttemptRecord[];
  /** Number of attempts before the last retry in place; they no longer count against budgets. */
  retriedAfter: number;
  /**
   * Derived: number of attempts before the last progress, which no longer count; absent without
   * progress.
   */
  progressAfter?: number;
  /** Derived: an attempt since the last retry in place was lost to its worker. */
  isSuspect?: boolean;
  /** Derived: number of open upstream tasks. */
  waitingOn: number;
  /** Derived, for a mapped task with known items. */
  each?: MappedProgress;
  /** Position of an item; absent for a task. */
  readonly item?: ItemPlace;
  /** Recorded steps in order of completion. */
  steps?: StepRecord[];
  /** Last round in which a retry in place reopened the task, from 2; absent without a retry. */
  round?: number;
  /** Length of all ended waits in milliseconds (see run-times.ts); absent without one. */
  waitedMs?: number;
  /** Root only: see `TaskChange.lateAt`; absent: counts from the creation of the run. */
  lateAt?: number | null;
  /** Actions on the run noted at this task, in order; absent without one. */
  actions?: RunAction[];
  /** Derived: deadline of each wait for another run, by `call`. */
  waits?: Readonly<Record<string, number>>;
  /** Runs awaited by the last suspended attempt. */
  awaits?: readonly AwaitedRun[];
  /** Final awaited runs, by id. */
  arrived?: Record<string, FinalRun>;
}

/** A trigger merged into a debounced run. `digest`: payload digest, if compared. */
export interface JoinedTrigger {
  readonly nonce: string;
  readonly digest?: PayloadDigest;
}

/**
 * Notifications of the waiting runs: number so far, and the next for runs without an
 * acknowledgement.
 */
export interface NotificationState {
  readonly sent: number;
  readonly dueAt: number;
}

/** A run triggered by this run. */
export interface ChildRun {
  readonly runId: RunId;
  readonly task: string;
}

export interface Run extends RunGenesis {
  payload: PayloadRef;
  /** Triggers of a debounced run, by key digest or nonce. */
  readonly joined: Record<string, JoinedTrigger>;
  limitKeys?: PayloadLimitKeys;
  status: RunStatus;
  startedAt: number | null;
  finishedAt: number | null;
  lastToken: number;
  /** Derived: number of status changes. */
  revision: number;
  readonly tasks: TaskEntry[];
  /** Items of mapped tasks; ordinals follow the last task. Use `entryOf` for lookups. */
  readonly items: TaskEntry[];
  /** Derived: mapped tasks with known items. */
  readonly mappedTasks: number[];
  readonly children: ChildRun[];
  /** Waiting runs without an acknowledgement. */
  waiters: readonly RunId[];
  /** Runs which found this run by its key, besides the triggering run. */
  foundBy: readonly RunId[];
  /**
   * The parent run has recorded this run, or is no longer asked (see objects/run/parent-link.ts).
   */
  parentKnows: boolean;
  notification: NotificationState | null;
  /** Unacknowledged messages (see outbox.ts). */
  outbox: readonly OutboxEntry[];
  /** Derived: id of the last outbox entry. */
  lastOutboxId: number;
  cancelsChildren: boolean;
  /** Derived: number of open tasks. */
  open: number;
  /** Derived: deployments without the method, by ordinal of the task (also for its items). */
  readonly lacking: LackingByTask;
  /**
   * Derived: active ordinals (queued, running, retrying, waiting), including items. Avoids scans of
   * a wide run.
   */
  readonly active: Set<number>;
}

/** Makes the initial state: every task pending. */
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
    mappedTasks: [],
    children: [],
    waiters: [],
    foundBy: [],
    parentKnows: false,
    notification: null,
    outbox: [],
    lastOutboxId: 0,
    cancelsChildren: false,
    open: tasks.length,
    lacking: {},
    active: new Set(),
  };
}

function firstJoined({ key, nonce, digest }: RunGenesis): Record<string, JoinedTrigger> {
  return key === undefined ? {} : { [key]: { nonce, ...(digest !== undefined && { digest }) } };
}

/** Finds a task or an item by ordinal. */
export function entryOf(run: Run, ordinal: number): TaskEntry | undefined {
  return run.tasks[ordinal] ?? run.items[ordinal - run.tasks.length];
}
