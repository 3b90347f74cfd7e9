/** RPC of the object that holds the debounce window of one task and key. */
import type { RunId } from "../../domain/ids.ts";

export interface WindowRequest {
  /** Digest of the trigger's idempotency key; null without a key. */
  readonly key: string | null;
  /** Retention of the key. Milliseconds. */
  readonly keepMs: number;
  /** The run of the window that the caller found started: this window is closed. */
  readonly started: RunId | null;
  /**
   * The run named for this key, which did not take the trigger, as the caller found.
   */
  readonly notTakenBy: RunId | null;
  /** Id of the run of a new window: random, made by the caller. */
  readonly fresh: RunId;
}

/**
 * The run of a trigger.
 *
 * - `opened`: the window was opened just now; the trigger creates the run, or is added to the run.
 * - `open`: the window is open; the trigger is added to the run. An absent run means that the
 *   window is closed.
 * - `named`: the run of an earlier window, named for this key before. The run knows whether it took
 *   the trigger.
 */
export interface WindowAnswer {
  readonly runId: RunId;
  readonly is: "opened" | "open" | "named";
}

/** Binds an idempotency key to the window of its trigger's payload. */
export interface KeyRequest {
  /** Digest of the key. */
  readonly key: string;
  /** Id of the window's object. */
  readonly window: string;
  /** The window whose run did not take the key, as the caller found; null: none. */
  readonly instead: string | null;
  /** Retention of the binding. Milliseconds. */
  readonly keepMs: number;
}

/** The window that has the key. `isNew`: its trigger may still be on the way to the run. */
export interface KeyBinding {
  readonly window: string;
  readonly isNew: boolean;
}

export interface DebounceRpc {
  window(request: WindowRequest): Promise<WindowAnswer>;
  /** Returns the last run named for this key; null if forgotten. */
  namedFor(key: string): Promise<RunId | null>;
  /** Binds a key, unless it is bound to another window than `instead`. */
  bindKey(request: KeyRequest): Promise<KeyBinding>;
}

/** The name of the object: one per task and key. */
export function debounceName(task: string, key: string): string {
  return `debounce/${task}/${key}`;
}

/**
 * The name of the object that binds this key: 64 per task, by the digest's first character. No
 * window has such a name, since its key is JSON.
 */
export function bindingsName(task: string, keyDigest: string): string {
  return debounceName(task, `bindings ${keyDigest.slice(0, 1)}`);
}
