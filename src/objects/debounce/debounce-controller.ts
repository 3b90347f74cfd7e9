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
import type { RunId } from "../../domain/ids.ts";
import type { WindowAnswer, WindowRequest } from "./debounce-rpc.ts";
import type { DebounceStore } from "./store.ts";

const LOOK_AGAIN_MS = 86_400_000;

/** So long after its window was opened a run may be made: whoever opened it may have died. One that is not there later was deleted. */
const BEGINNING_MS = 60_000;

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
    const before = this.#store.openWindow();
    if (named !== null && named !== before?.runId && named !== notTakenBy)
      return { runId: named, is: "named" };
    const now = this.#around.now();
    const open =
      before === null || before.runId === started ? { runId: fresh, openedAt: now } : before;
    const { runId, openedAt } = open;
    if (open !== before || (key !== null && named !== runId))
      this.#store.record(
        open === before ? null : open,
        key === null ? null : { key, runId, until: now + keepMs },
      );
    if (!hasAlarm) this.#around.setAlarm(this.#around.now() + LOOK_AGAIN_MS);
    this.#hasAlarm = true;
    return { runId, is: Math.abs(now - openedAt) < BEGINNING_MS ? "opened" : "open" };
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
    const open = this.#store.openWindow()?.runId;
    if (open === undefined) return false;
    if (await this.#around.isWaiting(open)) return true;
    // Meanwhile the next window may have been opened.
    return this.#store.openWindow()?.runId !== open || this.#store.forgetNamed(this.#around.now());
  }
}
