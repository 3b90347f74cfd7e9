/**
 * Triggers of a task with `debounce`: those that come within its delay of one another, with the same key, share one run, which
 * starts when the delay has passed since the last of them, with its payload.
 *
 * The object of the window names the run; the run decides whether it may still be postponed. If it has started in between, the
 * next window begins. A window lives in the run, not in a timer, so nothing is lost with a worker.
 */
import { runIdFromBytes, type RunId } from "../core/ids.ts";
import type { DebouncePlan } from "../core/plan.ts";
import { debounceName, type WindowAnswer } from "../limits/debounce-rpc.ts";
import type { EncodedPayload } from "../payload/codec.ts";
import { payloadKey } from "../payload/limit-keys.ts";
import { callWithRetries } from "../platform/calls.ts";

/** Asks for the run of the open window, `started` being the run that was found started. */
export async function debounceWindow(
  env: Env,
  task: string,
  key: string,
  idempotencyKey: string | null,
  started: RunId | null,
): Promise<WindowAnswer> {
  const fresh = runIdFromBytes(crypto.getRandomValues(new Uint8Array(16)));
  return callWithRetries("the window of a debounced task", () =>
    env.DEBOUNCES.getByName(debounceName(task, key)).window({ idempotencyKey, started, fresh }),
  );
}

/** The debounce key of a payload, as text: what is at the path, as JSON. Empty if the path leads nowhere or there is none. */
export async function debounceKeyOf({ key }: DebouncePlan, payload: EncodedPayload): Promise<string> {
  return key === null ? "" : ((await payloadKey(key, payload)) ?? "");
}

/** How long the root waits: as long as the task's debounce says, or the trigger's own delay if that is longer. */
export function debounceDelayMs(debounce: DebouncePlan, delayMs: number): number {
  return Math.max(debounce.delayMs, delayMs);
}
