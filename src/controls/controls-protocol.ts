/**
 * Which tasks are paused, and who is told when one is resumed. Storage, clock, alarm and runs come from outside, so that the object
 * and the simulation run the same code.
 *
 * A pause is a row that drivers are given with every read; it holds nothing back by itself: a run does, when a driver that knows
 * of the pause asks it for work, and then waits here. A run is struck off only when it has been told; should this object die
 * before, its alarm goes on where it was, and the run asks again by itself too.
 */
import type { RunId } from "../core/ids.ts";
import type { PausedTask } from "./controls-rpc.ts";
import type { ControlsStore, WaitingRun } from "./store.ts";

/** Runs told in one alarm, and how many of them at the same time. */
const TOLD = { most: 240, atOnce: 24 } as const;
const PAUSE_MS = { next: 5, failed: 5_000 } as const;

export interface ControlsSurroundings {
  /** Epoch milliseconds. */
  now(): number;
  setAlarm(at: number): Promise<void>;
  /** Rejects if the run cannot be reached. */
  resumed(task: string, runId: RunId): Promise<void>;
  log(message: string, error: unknown): void;
}

export class ControlsProtocol {
  readonly #store: ControlsStore;
  readonly #around: ControlsSurroundings;

  constructor(store: ControlsStore, around: ControlsSurroundings) {
    this.#store = store;
    this.#around = around;
  }

  paused(): readonly PausedTask[] {
    return this.#store.paused();
  }

  pause(task: string, by: string): readonly PausedTask[] {
    this.#store.pause(task, by, this.#around.now());
    return this.#store.paused();
  }

  async resume(task: string): Promise<readonly PausedTask[]> {
    this.#store.resume(task);
    await this.#around.setAlarm(this.#around.now() + PAUSE_MS.next);
    return this.#store.paused();
  }

  awaitResume(task: string, runId: RunId): boolean {
    const isPaused = this.#store.isPaused(task);
    if (isPaused) this.#store.wait(task, runId);
    return isPaused;
  }

  /** Never rejects: the platform gives an alarm up after six failures. */
  async alarm(): Promise<void> {
    try {
      const due = this.#store.due(TOLD.most);
      let failed = false;
      for (let from = 0; from < due.length; from += TOLD.atOnce) {
        const told = await Promise.all(due.slice(from, from + TOLD.atOnce).map((run) => this.#tell(run)));
        failed ||= told.includes(false);
      }
      if (failed) await this.#again(PAUSE_MS.failed);
      else if (due.length > 0) await this.#again(PAUSE_MS.next);
      else if (this.#store.isEmpty) await this.#store.deleteAll();
    } catch (error) {
      this.#around.log("the alarm of the controls failed, trying again", error);
      await this.#again(PAUSE_MS.failed);
    }
  }

  async #tell(run: WaitingRun): Promise<boolean> {
    try {
      await this.#around.resumed(run.task, run.runId);
      this.#store.told(run);
      return true;
    } catch (error) {
      this.#around.log(`${run.runId} could not be told that ${run.task} is resumed`, error);
      return false;
    }
  }

  async #again(pauseMs: number): Promise<void> {
    await this.#around.setAlarm(this.#around.now() + pauseMs);
  }
}
