/**
 * The debounce window of one task and key: it names the run that triggers of the window share. Whether the window is still open
 * is not decided here: the run itself knows if it has started, and a caller that finds it so asks again, naming it.
 *
 * So two first triggers at once get the same run, and a trigger that meets the very moment of the start opens the next window;
 * none is dropped.
 *
 * Of an idempotency key it remembers which run was named for it, and no more: it cannot know whether that run has taken the trigger,
 * for the caller may die or be refused in between. Only the run knows, and the caller asks it. What was refused is thus not remembered,
 * and what was acknowledged opens no second window. A key is named another run only once the caller has found that the former
 * one has not taken the trigger; it has started by then, so it never will.
 *
 * Once a day it forgets the keys whose time is over, and with the last of them everything, unless its run still waits.
 */
import type { RunId } from "../core/ids.ts";
import type { WindowAnswer, WindowRequest } from "./debounce-rpc.ts";
import type { DebounceStore } from "./store.ts";

const LOOK_AGAIN_MS = 86_400_000;

export interface WindowSurroundings {
  /** Epoch milliseconds. */
  now(): number;
  /** Null if none is set, and while one is handled. */
  getAlarm(): Promise<number | null>;
  /** Belongs to the commit under way. */
  setAlarm(at: number): void;
  /** Whether the run is there and has not started. */
  isWaiting(runId: RunId): Promise<boolean>;
  log(message: string, error: unknown): void;
}

export class DebounceProtocol {
  readonly #store: DebounceStore;
  readonly #around: WindowSurroundings;
  /** Known in this life of the object: an alarm is set. */
  #hasAlarm = false;

  constructor(store: DebounceStore, around: WindowSurroundings) {
    this.#store = store;
    this.#around = around;
  }

  async window({ key, keepMs, started, notTakenBy, fresh }: WindowRequest): Promise<WindowAnswer> {
    const hasAlarm = this.#hasAlarm || (await this.#around.getAlarm()) !== null;
    const named = key === null ? null : this.#store.namedRun(key);
    const open = this.#store.openWindow();
    if (named !== null && named !== open && named !== notTakenBy) return { runId: named, is: "named" };
    const runId = open === null || open === started ? fresh : open;
    const until = this.#around.now() + keepMs;
    if (runId !== open || (key !== null && named !== runId))
      this.#store.record(runId === open ? null : runId, key === null ? null : { key, runId, until });
    if (!hasAlarm) this.#around.setAlarm(this.#around.now() + LOOK_AGAIN_MS);
    this.#hasAlarm = true;
    return { runId, is: "open" };
  }

  namedFor(key: string): RunId | null {
    return this.#store.namedRun(key);
  }

  /** Never rejects: what could not be looked at is looked at a day later. */
  async alarm(): Promise<void> {
    this.#hasAlarm = false;
    try {
      if (!(await this.#isNeeded())) {
        this.#hasAlarm = false;
        return await this.#store.deleteAll();
      }
    } catch (error) {
      this.#around.log("a debounce window could not be looked at", error);
    }
    this.#around.setAlarm(this.#around.now() + LOOK_AGAIN_MS);
    this.#hasAlarm = true;
  }

  async #isNeeded(): Promise<boolean> {
    if (this.#store.forgetNamed(this.#around.now())) return true;
    const open = this.#store.openWindow();
    if (open === null) return false;
    if (await this.#around.isWaiting(open)) return true;
    // Meanwhile the next window may have been opened.
    return this.#store.openWindow() !== open || this.#store.forgetNamed(this.#around.now());
  }
}
