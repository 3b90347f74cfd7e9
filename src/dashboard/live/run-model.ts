/**
 * One run as it is shown: its document, and then every change from its stream. Each task is a signal of its own, so that a change
 * draws that task again and nothing else, with 300 tasks as with three.
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { get, problemOf } from "../api.ts";
import type {
  LogEvent,
  ProblemDocument,
  ProgressEvent,
  RunChange,
  RunDocument,
  RunReference,
  TaskDocument,
} from "../documents.ts";
import { isFinal } from "../timeline.ts";
import { batchByFrame } from "./batch.ts";
import { openRunStream, type RunEvent } from "./run-stream.ts";
import type { Connection, Stream } from "./stream.ts";

/** A run's own properties, without its tasks. */
export type RunHead = Omit<RunDocument, "tasks">;

export class RunModel {
  readonly runId: string;
  /** Null until the first answer. */
  readonly head: Signal<RunHead | null> = signal(null);
  readonly problem: Signal<ProblemDocument | null> = signal(null);
  readonly tasks: Signal<readonly string[]> = signal([]);
  readonly connection: ReadonlySignal<Connection>;
  /** Lines that came while the page was open; those before are in the logs of the API. */
  readonly #logs = new Map<string, Signal<readonly LogEvent[]>>();
  readonly #tasks = new Map<string, Signal<TaskDocument>>();
  readonly #stream: Signal<Stream | null> = signal(null);
  #isClosed = false;

  constructor(runId: string) {
    this.runId = runId;
    this.connection = computed(() => this.#stream.value?.connection.value ?? "connecting");
    void this.refresh();
  }

  /** The task as it is now, and when it changes. */
  task(name: string): Signal<TaskDocument> | undefined {
    return this.#tasks.get(name);
  }

  /** The whole document as it stands. */
  document(): RunDocument | null {
    const head = this.head.value;
    if (head === null) return null;
    return {
      ...head,
      tasks: this.tasks.value.flatMap((name) => this.#tasks.get(name)?.value ?? []),
    };
  }

  /** The live lines of a task. */
  logs(task: string): Signal<readonly LogEvent[]> {
    let lines = this.#logs.get(task);
    if (lines === undefined) this.#logs.set(task, (lines = signal<readonly LogEvent[]>([])));
    return lines;
  }

  /** Reads the run anew, and follows it if it goes on. Never rejects: `problem` says what is wrong. */
  async refresh(): Promise<void> {
    try {
      this.show(await get<RunDocument>(`/runs/${encodeURIComponent(this.runId)}`));
      this.problem.value = null;
    } catch (error) {
      this.problem.value = problemOf(error);
    }
  }

  /** Takes a document that some call has answered. */
  show(run: RunDocument): void {
    if (this.#isClosed) return;
    this.#replace(run);
    if (!isFinal(run.status)) this.#follow();
    else if (this.#stream.peek()?.connection.peek() === "reconnecting")
      this.#stream.peek()?.close();
  }

  close(): void {
    this.#isClosed = true;
    this.#stream.value?.close();
  }

  #follow(): void {
    const connection = this.#stream.peek()?.connection.peek();
    if (connection !== undefined && connection !== "ended") return;
    const take = batchByFrame<RunEvent>((events) =>
      batch(() => events.forEach((event) => this.#apply(event))),
    );
    this.#stream.value = openRunStream(this.runId, {
      onEvent: take,
      onBroken: () => void this.refresh(),
    });
  }

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

  #replace({ tasks, ...head }: RunDocument): void {
    batch(() => {
      this.head.value = head;
      for (const task of tasks) this.#setTask(task);
      const names = tasks.map(({ task }) => task);
      if (names.join("\n") !== this.tasks.peek().join("\n")) this.tasks.value = names;
    });
  }

  #change({ run, tasks, children }: RunChange): void {
    const head = this.head.peek();
    if (head === null) return;
    this.head.value = { ...head, ...run, children: merged(head.children, children ?? []) };
    for (const task of tasks) this.#setTask(task);
  }

  #progress({ task, item, attempt: _attempt, ...progress }: ProgressEvent): void {
    const shown = this.#tasks.get(task);
    if (shown !== undefined && item === undefined) shown.value = { ...shown.peek(), progress };
  }

  #log(line: LogEvent): void {
    const lines = this.logs(line.task);
    lines.value = [...lines.peek(), line];
  }

  #setTask(task: TaskDocument): void {
    const shown = this.#tasks.get(task.task);
    if (shown === undefined) this.#tasks.set(task.task, signal(task));
    else shown.value = task;
  }
}

function merged(
  before: readonly RunReference[],
  added: readonly RunReference[],
): readonly RunReference[] {
  const known = new Set(before.map(({ run_id }) => run_id));
  const fresh = added.filter(({ run_id }) => !known.has(run_id));
  return fresh.length === 0 ? before : [...before, ...fresh];
}
