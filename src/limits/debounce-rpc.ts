/** What others may call on the object that keeps the debounce window of one task and key. */
import type { RunId } from "../core/ids.ts";

export interface WindowRequest {
  /** A key that was here before belongs to the run that it had. */
  readonly idempotencyKey: string | null;
  /** The run of the window that the caller has found started: its window is over. */
  readonly started: RunId | null;
  /** The run of a new window, if one begins: random, made by the caller. */
  readonly fresh: RunId;
}

export interface WindowAnswer {
  readonly runId: RunId;
  /** This idempotency key had the run before, so it must not postpone it again. */
  readonly known: boolean;
}

export interface DebounceRpc {
  /** The run of the open window. */
  window(request: WindowRequest): Promise<WindowAnswer>;
}

/** The name of the object: one for each task and key. */
export function debounceName(task: string, key: string): string {
  return `debounce/${task}/${key}`;
}
