/**
 * Calls R2 with bounded retries and a time limit. Only for idempotent calls: one attempt writes
 * each key, so that a put without an answer is repeated.
 */
import { CallTimeoutError, within } from "../platform/calls.ts";

/**
 * Delays before retries. The last is above a second, since R2 takes one write per second and key.
 * Milliseconds.
 */
const RETRY_DELAYS_MS: readonly number[] = [100, 400, 1500];

/** Number of timeouts after which the call fails. */
const MOST_TIMEOUTS = 2;

/** Time limit of one try: enough for 8 MiB over a slow line. Milliseconds. */
export const R2_LIMIT_MS = 30_000;

/**
 * Reports that R2 kept failing: an infrastructure failure, not the task's. The attempt is lost and
 * does not count against `retries`.
 */
export class PayloadStoreError extends Error {
  override readonly name = "PayloadStoreError";
}

/** Reports that the run's state names an object which is not in R2. A retry does not help. */
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
 * Calls R2 up to four times with jittered delays, and at most twice without an answer. Rejects with
 * a `PayloadStoreError` that names the operation.
 */
export async function callR2<T>(what: string, call: () => Promise<T>): Promise<T> {
  let timeouts = 0;
  for (let tries = 0; ; tries += 1) {
    try {
      return await within(R2_LIMIT_MS, "R2", call());
    } catch (error) {
      timeouts += Number(error instanceof CallTimeoutError);
      const delayMs = RETRY_DELAYS_MS[tries];
      if (delayMs === undefined || timeouts === MOST_TIMEOUTS) throw failed(what, error);
      await scheduler.wait(delayMs * (0.5 + Math.random()));
    }
  }
}

function failed(what: string, cause: unknown): PayloadStoreError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new PayloadStoreError(`R2 could not ${what}: ${message}`, { cause });
}
