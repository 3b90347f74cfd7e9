/**
 * The debounce window of one task and key: names the run that all triggers of the window share. The
 * run alone knows if it has started, so this object does not decide if the window is open. A caller
 * that finds the run started asks again and names that run.
 *
 * Two first triggers at once therefore get the same run. A trigger that arrives at the moment of
 * the start opens the next window. No trigger is dropped.
 *
 * Idempotency keys. The object remembers only the run that was named for a key. The caller may die,
 * or be refused, before the run takes the trigger, so the caller asks the run. A refused trigger is
 * thus not remembered, and an acknowledged trigger opens no second window. A key gets another run
 * only after the caller has found that the former run did not take the trigger. The former run has
 * started by then, and never takes a trigger after its start.
 *
 * Cleanup. An alarm removes expired keys once a day. With the last key the whole object is deleted,
 * unless its run still waits.
 */
import type { RunId } from "../../domain/ids.ts";
import type { WindowAnswer, WindowRequest } from "./debounce-rpc.ts";
import type { DebounceStore } from "./store.ts";

const LOOK_AGAIN_MS = 86_400_000;

/**
 * Time for the creation of the run after its window was opened; the caller may have died. A run
 * that is absent later was deleted.
 */
const BEGINNING_MS = 60_000;

export interface DebounceHost {
  /** Epoch milliseconds. */
  now(): number;
  /** Returns the time of the alarm; null without an alarm, and while the alarm is handled. */
  getAlarm(): Promise<number | null>;
  /** Sets the alarm in the commit under way. */
  setAlarm(at: number): void;
  /** Checks that the run exists and has not started. */
  isWaiting(runId: RunId): Promise<boolean>;
  log(message: string, error: unknown): void;
}

export class DebounceController {
  readonly #store: DebounceStore;
  readonly #host: DebounceHost;
  /** An alarm is set, as this life of the object knows. */
  #hasAlarm = false;

  constructor(store: DebounceStore, host: DebounceHost) {
    this.#store = store;
    this.#host = host;
  }

  async window({ key, keepMs, started, notTakenBy, fresh }: WindowRequest): Promise<WindowAnswer> {
    const hasAlarm = this.#hasAlarm || (await this.#host.getAlarm()) !== null;
    const named = key === null ? null : this.#store.namedRun(key);
    const before = this.#store.openWindow();
    if (named !== null && named !== before?.runId && named !== notTakenBy)
      return { runId: named, is: "named" };
    const now = this.#host.now();
    const open =
      before === null || before.runId === started ? { runId: fresh, openedAt: now } : before;
    const { runId, openedAt } = open;
    if (open !== before || (key !== null && named !== runId))
      this.#store.record(
        open === before ? null : open,
        key === null ? null : { key, runId, until: now + keepMs },
      );
    if (!hasAlarm) this.#host.setAlarm(this.#host.now() + LOOK_AGAIN_MS);
    this.#hasAlarm = true;
    return { runId, is: Math.abs(now - openedAt) < BEGINNING_MS ? "opened" : "open" };
  }

  namedFor(key: string): RunId | null {
    return this.#store.namedRun(key);
  }

  /** Handles the alarm. Never rejects: a failed check is repeated a day later. */
  async alarm(): Promise<void> {
    this.#hasAlarm = false;
    try {
      if (!(await this.#isNeeded())) {
        this.#hasAlarm = false;
        return await this.#store.deleteAll();
      }
    } catch (error) {
      this.#host.log("a debounce window could not be looked at", error);
    }
    this.#host.setAlarm(this.#host.now() + LOOK_AGAIN_MS);
    this.#hasAlarm = true;
  }

  async #isNeeded(): Promise<boolean> {
    if (this.#store.forgetNamed(this.#host.now())) return true;
    const open = this.#store.openWindow()?.runId;
    if (open === undefined) return false;
    if (await this.#host.isWaiting(open)) return true;
    // The next window may have been opened meanwhile.
    return this.#store.openWindow()?.runId !== open || this.#store.forgetNamed(this.#host.now());
  }
}
