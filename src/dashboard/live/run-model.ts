/**
 * The state of a shown run: the document, updated by the events of the stream. Each task has a
 * separate signal: a change draws a single task, with 300 tasks as with three.
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { get, problemOf } from "../api.ts";
import type { LogEvent, ProgressEvent, RunChange } from "../../contract/run-events.ts";
import type { RunDocument, TaskOfRun } from "../../contract/run.ts";
import type { RunReference } from "../../contract/values.ts";
import type { ShownProblem } from "../shown-problem.ts";
import { isFinal } from "../timeline.ts";
import { batchByFrame } from "./batch.ts";
import { openRunStream, type RunEvent } from "./run-stream.ts";
import type { Connection, Stream } from "./stream.ts";

/** The properties of a run without its tasks. */
export type RunHead = Omit<RunDocument, "tasks">;

/** The model of a run's page. Closing it ends the stream. */
export class RunModel {
  readonly runId: string;
  /** The run without its tasks; null until the first answer. */
  readonly head: Signal<RunHead | null> = signal(null);
  /** The reason why the last read failed, or null. */
  readonly problem: Signal<ShownProblem | null> = signal(null);
  /** Names of the tasks in topological order. The list rarely changes, unlike the tasks. */
  readonly tasks: Signal<readonly string[]> = signal([]);
  /** The state of the stream, for the live mark. */
  readonly connection: ReadonlySignal<Connection>;
  /** Log lines since the page was opened, by task. Earlier lines come from the API. */
  readonly #logs = new Map<string, Signal<readonly LogEvent[]>>();
  readonly #tasks = new Map<string, Signal<TaskOfRun>>();
  readonly #stream: Signal<Stream | null> = signal(null);
  /** The number of reads so far. The answer of a read counts unless a later read has begun. */
  #reads = 0;
  #isClosed = false;

  constructor(runId: string) {
    this.runId = runId;
    this.connection = computed(() => this.#stream.value?.connection.value ?? "connecting");
    void this.refresh();
  }

  /** The signal of a task; undefined for an unknown name. */
  task(name: string): Signal<TaskOfRun> | undefined {
    return this.#tasks.get(name);
  }

  /** Assembles the current document. Reading it subscribes to every task. */
  document(): RunDocument | null {
    const head = this.head.value;
    if (head === null) return null;
    return {
      ...head,
      tasks: this.tasks.value.flatMap((name) => this.#tasks.get(name)?.value ?? []),
    };
  }

  /** The live log lines of a task. */
  logs(task: string): Signal<readonly LogEvent[]> {
    let lines = this.#logs.get(task);
    if (lines === undefined) this.#logs.set(task, (lines = signal<readonly LogEvent[]>([])));
    return lines;
  }

  /**
   * Reads the run again, and follows it unless it is over. Never rejects: `problem` holds the
   * reason.
   */
  async refresh(): Promise<void> {
    this.#reads += 1;
    const read = this.#reads;
    try {
      this.show(await get<RunDocument>(`/runs/${encodeURIComponent(this.runId)}`));
      this.problem.value = null;
    } catch (error) {
      if (read === this.#reads) this.problem.value = problemOf(error);
    }
  }

  /**
   * Shows a document that a call has returned, for example after a retry. A retried run is followed
   * again.
   */
  show(run: RunDocument): void {
    if (this.#isClosed) return;
    this.#replace(run);
    if (!isFinal(run.status)) this.#follow();
    // The run is over: a stream that still tries to reconnect would only be refused.
    else if (this.#stream.peek()?.connection.peek() === "reconnecting")
      this.#stream.peek()?.close();
  }

  /** Ends the stream. Answers that arrive later are ignored. */
  close(): void {
    this.#isClosed = true;
    this.#stream.value?.close();
  }

  /** Opens a stream unless one is open. Events are applied once per frame, in one batch. */
  #follow(): void {
    const connection = this.#stream.peek()?.connection.peek();
    if (connection !== undefined && connection !== "ended") return;
    const take = batchByFrame<RunEvent>((events) =>
      batch(() => events.forEach((event) => this.#apply(event))),
    );
    const stream = openRunStream(this.runId, {
      onEvent: take,
      onBroken: () => void this.refresh(),
    });
    this.#stream.value = stream;
    // A read during the break may have failed, and an idle run has no events.
    stream.connection.subscribe((state) => {
      if (state === "live" && this.problem.peek() !== null) void this.refresh();
    });
  }

  /** Applies an event of the stream. */
  #apply(event: RunEvent): void {
    switch (event.event) {
      case "run":
        return this.#replace(event.data);
      case "change":
        return this.#change(event.data);
      case "progress":
        return this.#progress(event.data);
      case "log":
        return this.#log(event.data);
      case "end":
        return undefined;
    }
  }

  /**
   * Shows a whole document. The list of names changes only if the names do, so that the graph is
   * not laid out again.
   */
  #replace({ tasks, ...head }: RunDocument): void {
    batch(() => {
      this.head.value = head;
      for (const task of tasks) this.#setTask(task);
      const names = tasks.map(({ task }) => task);
      if (names.join("\n") !== this.tasks.peek().join("\n")) this.tasks.value = names;
    });
  }

  /** Applies a change: the properties of the run, the changed tasks, and new child runs. */
  #change({ run, tasks, children }: RunChange): void {
    const head = this.head.peek();
    if (head === null) return;
    this.head.value = { ...head, ...run, children: merged(head.children, children ?? []) };
    for (const task of tasks) this.#setTask(task);
  }

  /** Shows the progress of a task. Progress of a single item is not shown. */
  #progress({ task, item, attempt: _attempt, ...progress }: ProgressEvent): void {
    const shown = this.#tasks.get(task);
    if (shown !== undefined && item === undefined) shown.value = { ...shown.peek(), progress };
  }

  /** Appends a log line. */
  #log(line: LogEvent): void {
    const lines = this.logs(line.task);
    lines.value = [...lines.peek(), line];
  }

  /** Updates the signal of a task, or creates it. */
  #setTask(task: TaskOfRun): void {
    const shown = this.#tasks.get(task.task);
    if (shown === undefined) this.#tasks.set(task.task, signal(task));
    else shown.value = task;
  }
}

/** Appends child runs without repetition: after a reconnection the same change may come again. */
function merged(
  before: readonly RunReference[],
  added: readonly RunReference[],
): readonly RunReference[] {
  const known = new Set(before.map(({ run_id }) => run_id));
  const fresh = added.filter(({ run_id }) => !known.has(run_id));
  return fresh.length === 0 ? before : [...before, ...fresh];
}
