/** A run as a test sees it: the document of the API, with the values that its tasks passed. */
import type { LogLine } from "../contract/run-logs.ts";
import type { Attempt, RunDocument, TaskOfRun } from "../contract/run.ts";
import { nearest } from "../domain/nearest.ts";
import type { RunId } from "../domain/ids.ts";
import type { RunStatus, TaskStatus } from "../domain/statuses.ts";
import { runSnapshot, type RunSnapshot } from "./snapshot.ts";

/** A log line of an attempt, and the task that has written it. */
export interface TestLogLine extends LogLine {
  readonly task: string;
}

/** Everything that is known of a run at one time. */
export interface RunState {
  readonly document: RunDocument;
  /** Values that tasks passed, by task. */
  readonly passed: ReadonlyMap<string, unknown>;
  readonly payload: unknown;
  readonly logs: readonly TestLogLine[];
}

/** The runs of a world, as a run looks for others. */
export interface KnownRuns {
  state(runId: RunId): RunState;
  run(runId: string): TestRun;
  trace(runId: RunId): readonly string[];
}

/**
 * A run. What it says is as of the last call of the kit that was awaited (`trigger`, `advance`, …).
 */
export class TestRun {
  readonly id: RunId;
  readonly #runs: KnownRuns;

  constructor(id: RunId, runs: KnownRuns) {
    this.id = id;
    this.#runs = runs;
  }

  /** The document that `GET /api/v1/runs/{id}` answers. */
  get document(): RunDocument {
    return this.#runs.state(this.id).document;
  }

  /** `queued`, `running`, `succeeded`, `failed` or `cancelled`. */
  get status(): RunStatus {
    return this.document.status;
  }

  /** The value that the trigger carried. */
  get payload(): unknown {
    return this.#runs.state(this.id).payload;
  }

  /** The tasks of the run, in the order of its document. */
  get tasks(): readonly TestTask[] {
    return this.document.tasks.map(({ task }) => this.task(task));
  }

  /** Returns the task of this name. Throws for a name that the run does not have. */
  task(name: string): TestTask {
    const names = this.document.tasks.map(({ task }) => task);
    if (names.includes(name)) return new TestTask(name, () => this.#runs.state(this.id));
    const meant = nearest(name, names);
    const hint = meant === null ? `its tasks are ${names.join(", ")}` : `did you mean "${meant}"?`;
    throw new Error(`the run of "${this.document.task}" has no task "${name}": ${hint}`);
  }

  /** The log lines of all tasks, in the order of their writing. */
  get logs(): readonly TestLogLine[] {
    return this.#runs.state(this.id).logs;
  }

  /** The runs that tasks of this run have triggered. */
  get children(): readonly TestRun[] {
    return this.document.children.map(({ run_id: id }) => this.#runs.run(id));
  }

  /**
   * The attempts in the order in which they began: `"a"` for a first attempt, `"a attempt 2"` for
   * another one, `"a[3]"` for an item.
   */
  get trace(): readonly string[] {
    return this.#runs.trace(this.id);
  }

  /** A copy for snapshots: stable names in the place of ids, times since the run's trigger. */
  snapshot(): RunSnapshot {
    return runSnapshot(this.#runs.state(this.id));
  }

  /** Test runners print it. */
  toJSON(): RunSnapshot {
    return this.snapshot();
  }
}

/** A task of a run. */
export class TestTask {
  readonly name: string;
  readonly #state: () => RunState;

  constructor(name: string, state: () => RunState) {
    this.name = name;
    this.#state = state;
  }

  /** The task in the document of its run. */
  get document(): TaskOfRun {
    const found = this.#state().document.tasks.find(({ task }) => task === this.name);
    if (found === undefined) throw new Error(`the run has no task "${this.name}" any more`);
    return found;
  }

  /** `pending`, `queued`, `running`, `retrying`, `waiting`, `succeeded`, `failed`, `skipped` or `cancelled`. */
  get status(): TaskStatus {
    return this.document.status;
  }

  /** Why the task failed or was skipped; null otherwise. */
  get reason(): string | null {
    return this.document.reason;
  }

  /** The attempts, oldest first. */
  get attempts(): readonly Attempt[] {
    return this.document.attempts;
  }

  /** The error of the last attempt; null if it has none. */
  get error(): Attempt["error"] {
    return this.attempts.at(-1)?.error ?? null;
  }

  /**
   * The value that the task passed to its downstream tasks: the array of all items for a task with
   * `each`, bytes for a stream. Undefined if the task has not succeeded.
   */
  get passed(): unknown {
    return this.#state().passed.get(this.name);
  }

  /** What the task reported last. */
  get progress(): TaskOfRun["progress"] {
    return this.document.progress;
  }

  /** The log lines of this task. */
  get logs(): readonly TestLogLine[] {
    return this.#state().logs.filter(({ task }) => task === this.name);
  }
}
