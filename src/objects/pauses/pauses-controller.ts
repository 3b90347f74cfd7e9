/**
 * Which tasks are paused, and who is told when one is resumed. Storage, clock, alarm and runs come from outside, so that a test can
 * have its own.
 *
 * A pause is a row that drivers are given with every read; it holds nothing back by itself: a run does, when a driver that knows
 * of the pause asks it for work, and then waits here. A run is struck off when it has been told, or could not be for a while; should
 * this object die before, its alarm goes on where it was, and the run asks again by itself too.
 */
import type { RunId } from "../../domain/ids.ts";
import { isNewerFormat } from "../../domain/version.ts";
import type { PausedTask } from "./pauses-rpc.ts";
import type { ControlsStore, WaitingRun } from "./store.ts";

/** Runs told in one alarm, and how many of them at the same time. */
const TOLD = { most: 240, atOnce: 24 } as const;
const PAUSE_MS = { next: 5, failed: 5_000, most: 300_000 } as const;

/** A run that could not be told so often, for a quarter of an hour, is struck off: it asks by itself as well. */
const MOST_TRIES = 8;

export interface ControlsSurroundings {
  /** Epoch milliseconds. */
  now(): number;
  setAlarm(at: number): Promise<void>;
  /** Rejects if the run cannot be reached. */
  resumed(task: string, runId: RunId): Promise<void>;
  /** Keeps a copy of the names of paused tasks elsewhere. Rejects if that fails. */
  copy(tasks: readonly string[]): Promise<void>;
  /** Carries work on beyond the answer. */
  waitUntil(work: Promise<void>): void;
  log(message: string, error: unknown): void;
}

export class ControlsProtocol {
  readonly #store: ControlsStore;
  readonly #around: ControlsSurroundings;

  /** The copies that are under way: one after the other, so that the last one stays. */
  #copied: Promise<void> = Promise.resolve();

  constructor(store: ControlsStore, around: ControlsSurroundings) {
    this.#store = store;
    this.#around = around;
  }

  paused(): readonly PausedTask[] {
    return this.#store.paused();
  }

  pause(task: string, by: string): readonly PausedTask[] {
    this.#store.pause(task, by, this.#around.now());
    this.#copy();
    return this.#store.paused();
  }

  async resume(task: string): Promise<readonly PausedTask[]> {
    this.#store.resume(task);
    this.#copy();
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
      /** How often those were tried that could not be told. */
      const tries: number[] = [];
      for (let from = 0; from < due.length; from += TOLD.atOnce)
        tries.push(
          ...(
            await Promise.all(due.slice(from, from + TOLD.atOnce).map((run) => this.#tell(run)))
          ).flat(),
        );
      if (tries.length > 0)
        await this.#again(Math.min(PAUSE_MS.most, PAUSE_MS.failed * 2 ** (Math.min(...tries) - 1)));
      else if (due.length > 0) await this.#again(PAUSE_MS.next);
      else if (this.#store.isEmpty) await this.#store.deleteAll();
    } catch (error) {
      this.#around.log("the alarm of the controls failed, trying again", error);
      await this.#again(isNewerFormat(error) ? PAUSE_MS.most : PAUSE_MS.failed);
    }
  }

  #copy(): void {
    this.#copied = this.#copyAfter(this.#copied);
    this.#around.waitUntil(this.#copied);
  }

  async #copyAfter(copied: Promise<void>): Promise<void> {
    await copied;
    try {
      await this.#around.copy(this.#store.paused().map(({ task }) => task));
    } catch (error) {
      this.#around.log("the copy of what is paused could not be written", error);
    }
  }

  /** Nothing, or how often the run could not be told. */
  async #tell(run: WaitingRun): Promise<number[]> {
    try {
      await this.#around.resumed(run.task, run.runId);
      this.#store.told(run);
      return [];
    } catch (error) {
      const tries = this.#store.notTold(run);
      this.#around.log(
        `${run.runId} could not be told that ${run.task} is resumed, in ${tries} tries`,
        error,
      );
      if (tries < MOST_TRIES) return [tries];
      this.#store.strikeOff(run);
      return [];
    }
  }

  async #again(pauseMs: number): Promise<void> {
    await this.#around.setAlarm(this.#around.now() + pauseMs);
  }
}
