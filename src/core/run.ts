/**
 * The state of one run, and how a change folds into it. `core/machine.ts` decides changes; nobody else makes them.
 *
 * A change is what one journal entry records: the new state of the tasks it touches, and at most one attempt record for each.
 * Folding all changes of a journal in order gives the run; so the fold must stay able to read the entries of older versions.
 */
import type { RunGraph, GraphTask } from "./graph.ts";
import type { RunId } from "./ids.ts";
import type { PayloadRef } from "./payload-ref.ts";
import type { SkipReason } from "./run-if.ts";
import type { AttemptStatus, RunStatus } from "./status.ts";
import type { TriggerOrigin } from "./trigger.ts";

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
  /** Of a lost attempt: what it was lost to. */
  readonly lostTo?: LostTo;
}

/**
 * - `worker`: its worker died. A task whose attempts are lost so again and again fails with that reason.
 * - `surroundings`: storage or the platform refused. Never the task's failure, however often.
 */
export type LostTo = "worker" | "surroundings";

/** What an attempt passed on: `output` to every child, but `to` overrides it for the children named there. */
export interface TaskOutput {
  readonly output: PayloadRef;
  readonly to: Readonly<Record<string, PayloadRef>> | null;
  /** The children that may run (`runOnlyChildTasks`); absent: all. */
  readonly chosen?: readonly string[];
}

/**
 * Why a task failed:
 * - `error`: its last allowed attempt threw or timed out, or it threw an error that must not be retried.
 * - `worker_lost`: its attempts were lost again and again, without a result.
 * - `method_missing`: the deployed code has no such method (any more).
 */
export const FAIL_REASONS = ["error", "worker_lost", "method_missing"] as const;
export type FailReason = (typeof FAIL_REASONS)[number];

/** A member carries only what is legal for it. See `TASK_STATUSES` for what each means. `*At` are epoch milliseconds. */
export type TaskState =
  | { readonly status: "pending" }
  /** `redispatchAt`: when to send another message, should the last one be lost. `notBefore`: its trigger asked for a delay. */
  | {
      readonly status: "queued";
      readonly dispatches: number;
      readonly redispatchAt: number;
      readonly notBefore?: number;
    }
  /** Only who has `token` may settle. `holder` is the executor object of the long lane; it may ask for its lease again. */
  | {
      readonly status: "running";
      readonly attempt: number;
      readonly token: number;
      readonly expiresAt: number;
      readonly holder?: string;
    }
  | { readonly status: "retrying"; readonly retryAt: number }
  | { readonly status: "succeeded"; readonly finishedAt: number; readonly passed: TaskOutput }
  | { readonly status: "failed"; readonly finishedAt: number; readonly reason: FailReason }
  | { readonly status: "skipped"; readonly finishedAt: number; readonly reason: SkipReason }
  | { readonly status: "cancelled"; readonly finishedAt: number };

export type FinalState = Extract<TaskState, { readonly finishedAt: number }>;

export interface TaskChange {
  readonly ordinal: number;
  readonly state: TaskState;
  /** Added, or replacing the record of the same attempt. */
  readonly attempts: readonly AttemptRecord[];
}

export interface ChildRun {
  readonly runId: RunId;
  readonly task: string;
}

export interface RunChange {
  readonly tasks: readonly TaskChange[];
  readonly run?: { readonly status: RunStatus; readonly startedAt: number | null; readonly finishedAt: number | null };
  /** The fencing token handed out last. */
  readonly lastToken?: number;
  readonly children?: readonly ChildRun[];
  /** A later trigger of a debounced task took the place of the one that started the run. */
  readonly payload?: PayloadRef;
}

/** What is recorded when a run is accepted. */
export interface RunGenesis {
  readonly id: RunId;
  readonly graph: RunGraph;
  readonly origin: TriggerOrigin;
  readonly payload: PayloadRef;
  readonly createdAt: number;
}

export interface TaskEntry {
  readonly task: GraphTask;
  state: TaskState;
  readonly attempts: AttemptRecord[];
  /** Derived: how many upstream tasks are not final. */
  waitingOn: number;
}

export interface Run extends RunGenesis {
  payload: PayloadRef;
  status: RunStatus;
  startedAt: number | null;
  finishedAt: number | null;
  lastToken: number;
  readonly tasks: TaskEntry[];
  readonly children: ChildRun[];
  /** Derived: how many tasks are not final. */
  open: number;
  /** Derived: ordinals that are queued, running or retrying, so that nothing scans a wide run. */
  readonly active: Set<number>;
}

/** The run as it is before its first change: every task pending. */
export function newRun(genesis: RunGenesis): Run {
  const tasks = genesis.graph.tasks.map((task): TaskEntry => ({
    task,
    state: { status: "pending" },
    attempts: [],
    waitingOn: task.upstream.length,
  }));
  return {
    ...genesis,
    status: "queued",
    startedAt: null,
    finishedAt: null,
    lastToken: 0,
    tasks,
    children: [],
    open: tasks.length,
    active: new Set(),
  };
}

/** Folds a change into the run, in place: a run may be wide and a change touches few tasks. Call it after the commit. */
export function fold(run: Run, change: RunChange): void {
  for (const { ordinal, state, attempts } of change.tasks) {
    const entry = run.tasks[ordinal];
    if (entry === undefined) throw new RangeError(`run ${run.id} has no task ${ordinal}`);
    const ended = Number(isFinal(state)) - Number(isFinal(entry.state));
    run.open -= ended;
    if (ended !== 0) for (const child of entry.task.downstream) countDown(run, child, ended);
    entry.state = state;
    if (isActive(state)) run.active.add(ordinal);
    else run.active.delete(ordinal);
    for (const attempt of attempts) entry.attempts[attempt.attempt - 1] = attempt;
  }
  Object.assign(run, change.run);
  if (change.lastToken !== undefined) run.lastToken = change.lastToken;
  if (change.children !== undefined) run.children.push(...change.children);
  if (change.payload !== undefined) run.payload = change.payload;
}

function countDown(run: Run, ordinal: number, by: number): void {
  const entry = run.tasks[ordinal];
  if (entry !== undefined) entry.waitingOn -= by;
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
      return state.redispatchAt;
    case "running":
      return state.expiresAt;
    case "retrying":
      return state.retryAt;
    case "pending":
    case "succeeded":
    case "failed":
    case "skipped":
    case "cancelled":
      return null;
  }
}
