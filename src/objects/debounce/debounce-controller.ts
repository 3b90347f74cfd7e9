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
 * Bindings. A key belongs to one payload of the whole task, and payloads of two windows differ. So
 * other objects of this class bind each key to the window that it was first sent for, and a trigger
 * of another window is refused if the run named there took it. The binding precedes the window: a
 * caller that died in between has bound a key that no run took, and the next one binds it anew.
 *
 * Cleanup. An alarm removes expired keys once a day. With the last key the whole object is deleted,
 * unless its run still waits.
 */
import type { RunId } from "../../domain/ids.ts";
import type { KeyBinding, KeyRequest, WindowAnswer, WindowRequest } from "./debounce-rpc.ts";
import type { KeyStore } from "./key-store.ts";
import type { DebounceStore } from "./store.ts";

const LOOK_AGAIN_MS = 86_400_000;

/**
 * Time for the creation of the run after its window was opened, and for a trigger to be taken after
 * its key was bound; the caller may have died. A run that is absent later was deleted.
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
  readonly #keys: KeyStore;
  readonly #host: DebounceHost;
  /** An alarm is set, as this life of the object knows. */
  #hasAlarm = false;

  constructor(store: DebounceStore, keys: KeyStore, host: DebounceHost) {
    this.#store = store;
    this.#keys = keys;
    this.#host = host;
  }

  async window({ key, keepMs, started, notTakenBy, fresh }: WindowRequest): Promise<WindowAnswer> {
    const hasAlarm = await this.#wakes();
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
    this.#wakeUnless(hasAlarm);
    return { runId, is: Math.abs(now - openedAt) < BEGINNING_MS ? "opened" : "open" };
  }

  async bindKey(request: KeyRequest): Promise<KeyBinding> {
    const hasAlarm = await this.#wakes();
    const now = this.#host.now();
    const { window, boundAt } = this.#keys.bind(request, now);
    this.#wakeUnless(hasAlarm);
    return { window, isNew: Math.abs(now - boundAt) < BEGINNING_MS };
  }

  async #wakes(): Promise<boolean> {
    return this.#hasAlarm || (await this.#host.getAlarm()) !== null;
  }

  #wakeUnless(hasAlarm: boolean): void {
    if (!hasAlarm) this.#host.setAlarm(this.#host.now() + LOOK_AGAIN_MS);
    this.#hasAlarm = true;
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
    const now = this.#host.now();
    if (this.#store.forgetNamed(now) || this.#keys.forget(now)) return true;
    const open = this.#store.openWindow()?.runId;
    if (open === undefined) return false;
    if (await this.#host.isWaiting(open)) return true;
    // The next window may have been opened meanwhile.
    return this.#store.openWindow()?.runId !== open || this.#store.forgetNamed(this.#host.now());
  }
}
