/**
 * Calls to R2 with bounded retries and a limit of time. Only for what can be done again with the same effect: each key is written by
 * one attempt only, so a put whose answer was lost is put again.
 */
import { CallTimeoutError, within } from "../platform/calls.ts";

/** The last one is above a second: R2 takes one write a second to a key. Milliseconds. */
const PAUSES_MS: readonly number[] = [100, 400, 1500];

/** So many tries that are not answered in time, and it is given up. */
const MOST_TIMEOUTS = 2;

/** Of one try: enough for 8 MiB over a slow line. Milliseconds. */
export const R2_LIMIT_MS = 30_000;

/** R2 kept failing: the surroundings, not the task. The attempt is lost and does not count against `retries`. */
export class PayloadStoreError extends Error {
  override readonly name = "PayloadStoreError";
}

/** The run's state names an object that is not in R2 (any more). Trying again does not bring it back. */
export class PayloadMissingError extends Error {
  override readonly name = "PayloadMissingError";

  constructor(key: string) {
    super(
      `The payload ${key} is not in the payload bucket any more: it was deleted by hand, by a lifecycle rule, or by the run's own retention. ` +
        "Trigger the task again; let nothing but Peach delete under runs/.",
    );
  }
}

/**
 * Calls R2 up to four times, with jittered pauses, or until it has not answered twice; then rejects with a `PayloadStoreError` that
 * says what could not be done.
 */
export async function callR2<T>(what: string, call: () => Promise<T>): Promise<T> {
  let timeouts = 0;
  for (let tries = 0; ; tries += 1) {
    try {
      return await within(R2_LIMIT_MS, "R2", call());
    } catch (error) {
      timeouts += Number(error instanceof CallTimeoutError);
      const pauseMs = PAUSES_MS[tries];
      if (pauseMs === undefined || timeouts === MOST_TIMEOUTS) throw failed(what, error);
      await scheduler.wait(pauseMs * (0.5 + Math.random()));
    }
  }
}

function failed(what: string, cause: unknown): PayloadStoreError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new PayloadStoreError(`R2 could not ${what}: ${message}`, { cause });
}
