import {
  PeachError,
  type PeachClient,
  type RunDocument,
  type TaskOfRun,
} from "../client/client.ts";
import { isFinalStatus } from "./run-lines.ts";

const POLL_MS = 50;

/** Follows a run by polling. One call at a time serves any number of readers. */
export class RunFollower {
  readonly #peach: PeachClient;
  readonly #runId: string;
  readonly #signal: AbortSignal;
  #latest: RunDocument;
  #next: Promise<void> | null = null;

  private constructor(peach: PeachClient, runId: string, signal: AbortSignal, first: RunDocument) {
    this.#peach = peach;
    this.#runId = runId;
    this.#signal = signal;
    this.#latest = first;
  }

  /** Waits until the run exists. Rejects when the signal aborts a call. */
  static async start(peach: PeachClient, runId: string, signal: AbortSignal): Promise<RunFollower> {
    for (;;) {
      try {
        return new RunFollower(peach, runId, signal, await peach.runs.get(runId, { signal }));
      } catch (error) {
        if (!(error instanceof PeachError && error.code === "unknown_run")) throw error;
        await pause();
      }
    }
  }

  /** The latest document of the run. */
  get latest(): RunDocument {
    return this.#latest;
  }

  /** Yields a task after each poll, until the task is final. */
  async *task(name: string): AsyncGenerator<TaskOfRun> {
    for (;;) {
      const task = this.#latest.tasks.find((entry) => entry.task === name);
      if (task === undefined) throw new RangeError(`run ${this.#runId} has no task ${name}`);
      yield task;
      if (isFinalStatus(task.status)) return;
      await this.#look();
    }
  }

  /** Waits until the run is final and returns it. */
  async untilFinal(): Promise<RunDocument> {
    while (!isFinalStatus(this.#latest.status)) await this.#look();
    return this.#latest;
  }

  /** Polls once; callers that come meanwhile share the poll. */
  #look(): Promise<void> {
    this.#next ??= this.#ask().finally(() => (this.#next = null));
    return this.#next;
  }

  async #ask(): Promise<void> {
    await pause();
    this.#latest = await this.#peach.runs.get(this.#runId, { signal: this.#signal });
  }
}

function pause(): Promise<void> {
  return new Promise((wake) => setTimeout(wake, POLL_MS));
}
