/** A run as a test sees it: the document of the API, with the values that its tasks passed. */
import type { Attempt, RunDocument, TaskOfRun } from "../contract/run.ts";
import { nearest } from "../domain/nearest.ts";
import type { RunId } from "../domain/ids.ts";
import type { RunStatus, TaskStatus } from "../domain/statuses.ts";
import type { RunState, TestLogLine } from "./run-state.ts";
import { runSnapshot, type RunSnapshot } from "./snapshot.ts";

/** The runs of a world, as a run looks for others. */
export interface KnownRuns {
  state(runId: RunId): RunState;
  run(runId: string): TestRun;
  trace(runId: RunId): readonly string[];
}

/**
 * A run. Its properties say how the run stood when the last call of the kit (`trigger`, `advance`,
 * …) was done.
 */
export interface TestRun {
  /** The id of the run. */
  readonly id: RunId;
  /** The document that `GET /api/v1/runs/{id}` answers. */
  readonly document: RunDocument;
  /** `queued`, `running`, `succeeded`, `failed` or `cancelled`. */
  readonly status: RunStatus;
  /** The value that the trigger carried. */
  readonly payload: unknown;
  /** The tasks of the run, in the order of its document. */
  readonly tasks: readonly TestTask[];
  /** The log lines of all tasks, in the order of their writing. */
  readonly logs: readonly TestLogLine[];
  /** The runs that tasks of this run have triggered. */
  readonly children: readonly TestRun[];
  /**
   * The attempts in the order in which they began: `"a"` for a first attempt, `"a attempt 2"` for
   * another one, `"a[3]"` for an item.
   */
  readonly trace: readonly string[];
  /** Returns the present state of a task. Throws for a name that the run lacks. */
  task(name: string): TestTask;
  /** A copy for snapshots: stable names in the place of ids, times since the run's trigger. */
  snapshot(): RunSnapshot;
  toJSON(): RunSnapshot;
}

/** A task of a run, at the time of the call of `task`. */
export interface TestTask {
  /** The name in peach.conf. */
  readonly name: string;
  /** `pending`, `queued`, `running`, `retrying`, `waiting`, `succeeded`, … */
  readonly status: TaskStatus;
  /** Why the task failed or was skipped; null otherwise. */
  readonly reason: string | null;
  /** The attempts, oldest first. */
  readonly attempts: readonly Attempt[];
  /** The error of the last attempt; null without an error. */
  readonly error: Attempt["error"];
  /**
   * The value that the task passed to its downstream tasks: the array of all items for a task with
   * `each`, bytes for a stream. Undefined if the task has not succeeded.
   */
  readonly passed: unknown;
  /**
   * What the task passed to single downstream tasks (`passToChildTask` with `to`), by their names.
   */
  readonly to: Readonly<Record<string, unknown>>;
  /** The progress that the task reported last; null without any. */
  readonly progress: TaskOfRun["progress"];
  /** The log lines of this task. */
  readonly logs: readonly TestLogLine[];
  /** The task in the document of its run. */
  readonly document: TaskOfRun;
}

/**
 * Makes the view of a run. The properties are own properties, and not enumerable: test runners can
 * then print and copy the view.
 */
export function viewOf(id: RunId, runs: KnownRuns): TestRun {
  const state = (): RunState => runs.state(id);
  const view: TestRun = {
    id,
    get document() {
      return state().document;
    },
    get status() {
      return state().document.status;
    },
    get payload() {
      return state().payload;
    },
    get tasks() {
      return state().document.tasks.map((task) => taskIn(state(), task));
    },
    get logs() {
      return state().logs;
    },
    get children() {
      return state().document.children.map(({ run_id: child }) => runs.run(child));
    },
    get trace() {
      return runs.trace(id);
    },
    task: (name) => taskNamed(state(), name),
    snapshot: () => runSnapshot(state()),
    toJSON: () => runSnapshot(state()),
  };
  for (const name of ["document", "tasks", "children"])
    Object.defineProperty(view, name, { enumerable: false });
  return view;
}

function taskNamed(state: RunState, name: string): TestTask {
  const { tasks, task: root } = state.document;
  const found = tasks.find(({ task }) => task === name);
  if (found !== undefined) return taskIn(state, found);
  const names = tasks.map(({ task }) => task);
  const meant = nearest(name, names);
  const hint = meant === null ? `its tasks are ${names.join(", ")}` : `did you mean "${meant}"?`;
  throw new Error(`the run of "${root}" has no task "${name}": ${hint}`);
}

function taskIn({ passed, to, logs }: RunState, document: TaskOfRun): TestTask {
  const { task: name, status, reason, attempts, progress } = document;
  return {
    name,
    status,
    reason,
    attempts,
    error: attempts.at(-1)?.error ?? null,
    passed: passed.get(name),
    to: to.get(name) ?? {},
    progress,
    logs: logs.filter(({ task }) => task === name),
    document,
  };
}
