import type { PeachApi, RunView, TaskView } from "./peach-api.ts";
import { isFinalStatus } from "./run-lines.ts";

const POLL_MS = 50;

/** Follows a run by asking for it; however many look at its tasks, there is one call at a time. */
export class RunFollower {
  readonly #api: PeachApi;
  readonly #runId: string;
  #latest: RunView;
  #next: Promise<void> | null = null;

  private constructor(api: PeachApi, runId: string, first: RunView) {
    this.#api = api;
    this.#runId = runId;
    this.#latest = first;
  }

  /** Waits until the run is accepted. Rejects when the api's signal ends the call. */
  static async start(api: PeachApi, runId: string): Promise<RunFollower> {
    for (;;) {
      const first = await api.run(runId);
      if (first !== null) return new RunFollower(api, runId, first);
      await pause();
    }
  }

  /** The run as it was last seen. */
  get latest(): RunView {
    return this.#latest;
  }

  /** The task as it is now and after each look at the run, until it is final. */
  async *task(name: string): AsyncGenerator<TaskView> {
    for (;;) {
      const task = this.#latest.tasks.find((entry) => entry.task === name);
      if (task === undefined) throw new RangeError(`run ${this.#runId} has no task ${name}`);
      yield task;
      if (isFinalStatus(task.status)) return;
      await this.#look();
    }
  }

  /** The run once it is final. */
  async untilFinal(): Promise<RunView> {
    while (!isFinalStatus(this.#latest.status)) await this.#look();
    return this.#latest;
  }

  #look(): Promise<void> {
    this.#next ??= this.#ask().finally(() => (this.#next = null));
    return this.#next;
  }

  async #ask(): Promise<void> {
    await pause();
    this.#latest = (await this.#api.run(this.#runId)) ?? this.#latest;
  }
}

function pause(): Promise<void> {
  return new Promise((wake) => setTimeout(wake, POLL_MS));
}
