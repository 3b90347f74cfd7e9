/** What others may call on the object that keeps the debounce window of one task and key. */
import type { RunId } from "../../domain/ids.ts";

export interface WindowRequest {
  /** A digest of the trigger's idempotency key; null: it has none. */
  readonly key: string | null;
  /** How long the key is remembered. Milliseconds. */
  readonly keepMs: number;
  /** The run of the window that the caller has found started: its window is over. */
  readonly started: RunId | null;
  /** The run that was named for this key, and that the caller has found not to have taken the trigger. */
  readonly notTakenBy: RunId | null;
  /** The run of a new window, if one begins: random, made by the caller. */
  readonly fresh: RunId;
}

/**
 * - `opened`: the run of a window that was opened just now, to be made by the trigger, or given it.
 * - `open`: the run of the open window, to be given the trigger. If there is no such run (any more), the window is over.
 * - `named`: the run of an earlier window that this key was named before. It knows whether it has taken the trigger.
 */
export interface WindowAnswer {
  readonly runId: RunId;
  readonly is: "opened" | "open" | "named";
}

export interface DebounceRpc {
  window(request: WindowRequest): Promise<WindowAnswer>;
  /** The run that was named for this key last; null: none is remembered. */
  namedFor(key: string): Promise<RunId | null>;
}

/** The name of the object: one for each task and key. */
export function debounceName(task: string, key: string): string {
  return `debounce/${task}/${key}`;
}
