/**
 * Decides which tasks are paused, and notifies runs of a resumed task. Storage, clock, alarm and
 * runs come from outside, so that a test can supply them.
 *
 * A pause is a row that drivers receive with every read; the row alone blocks nothing. A run blocks
 * an attempt when a driver that knows of the pause claims work, and then registers here as waiting.
 * A notified run is removed, and so is a run that could not be reached for a while. After a crash
 * of this object the alarm continues with the remaining runs, and each blocked run also asks again
 * by its own alarm.
 */
import type { RunId } from "../../domain/ids.ts";
import { isNewerFormat } from "../../domain/version.ts";
import type { PausedTask } from "./pauses-rpc.ts";
import type { PausesStore, WaitingRun } from "./store.ts";

/** Limit of notifications per alarm, and of concurrent notifications. */
const TOLD = { most: 240, atOnce: 24 } as const;
const ALARM_DELAY_MS = { next: 5, failed: 5_000, most: 300_000 } as const;

/**
 * Limit of tries, spread over a quarter of an hour. A run is then removed; it also asks by its own
 * alarm.
 */
const MOST_TRIES = 8;

export interface PausesHost {
  /** Epoch milliseconds. */
  now(): number;
  setAlarm(at: number): Promise<void>;
  /** Notifies a run. Rejects if the run cannot be reached. */
  resumed(task: string, runId: RunId): Promise<void>;
  /** Copies the names of paused tasks to R2. Rejects if the write fails. */
  copy(tasks: readonly string[]): Promise<void>;
  /** Continues work after the answer. */
  waitUntil(work: Promise<void>): void;
  log(message: string, error: unknown): void;
}

export class PausesController {
  readonly #store: PausesStore;
  readonly #host: PausesHost;

  /** Copies under way, one after the other, so that the last one stays. */
  #copied: Promise<void> = Promise.resolve();

  constructor(store: PausesStore, host: PausesHost) {
    this.#store = store;
    this.#host = host;
  }

  paused(): readonly PausedTask[] {
    return this.#store.paused();
  }

  pause(task: string, by: string): readonly PausedTask[] {
    this.#store.pause(task, by, this.#host.now());
    this.#copy();
    return this.#store.paused();
  }

  async resume(task: string): Promise<readonly PausedTask[]> {
    this.#store.resume(task);
    this.#copy();
    await this.#host.setAlarm(this.#host.now() + ALARM_DELAY_MS.next);
    return this.#store.paused();
  }

  awaitResume(task: string, runId: RunId): boolean {
    const isPaused = this.#store.isPaused(task);
    if (isPaused) this.#store.wait(task, runId);
    return isPaused;
  }

  /** Handles the alarm. Never rejects: the platform gives an alarm up after six failures. */
  async alarm(): Promise<void> {
    try {
      const due = this.#store.due(TOLD.most);
      /** Counts of tries of the runs that could not be reached. */
      const tries: number[] = [];
      for (let from = 0; from < due.length; from += TOLD.atOnce)
        tries.push(
          ...(
            await Promise.all(due.slice(from, from + TOLD.atOnce).map((run) => this.#tell(run)))
          ).flat(),
        );
      if (tries.length > 0)
        await this.#again(
          Math.min(ALARM_DELAY_MS.most, ALARM_DELAY_MS.failed * 2 ** (Math.min(...tries) - 1)),
        );
      else if (due.length > 0) await this.#again(ALARM_DELAY_MS.next);
      else if (this.#store.isEmpty) await this.#store.deleteAll();
    } catch (error) {
      this.#host.log("the alarm of the pauses failed, trying again", error);
      await this.#again(isNewerFormat(error) ? ALARM_DELAY_MS.most : ALARM_DELAY_MS.failed);
    }
  }

  #copy(): void {
    this.#copied = this.#copyAfter(this.#copied);
    this.#host.waitUntil(this.#copied);
  }

  async #copyAfter(copied: Promise<void>): Promise<void> {
    await copied;
    try {
      await this.#host.copy(this.#store.paused().map(({ task }) => task));
    } catch (error) {
      this.#host.log("the copy of what is paused could not be written", error);
    }
  }

  /** Notifies a run. Returns the count of tries if another try is needed. */
  async #tell(run: WaitingRun): Promise<number[]> {
    try {
      await this.#host.resumed(run.task, run.runId);
    } catch (error) {
      const tries = this.#store.notTold(run);
      this.#host.log(
        `${run.runId} could not be told that ${run.task} is resumed, in ${tries} tries`,
        error,
      );
      if (tries < MOST_TRIES) return [tries];
    }
    this.#store.strikeOff(run);
    return [];
  }

  async #again(pauseMs: number): Promise<void> {
    await this.#host.setAlarm(this.#host.now() + pauseMs);
  }
}
