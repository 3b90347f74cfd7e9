/**
 * Calls R2 with bounded retries and a time limit. Only for idempotent calls: one attempt writes
 * each key, so that a put without an answer is repeated.
 */
import { callWithRetries, type CallPolicy } from "../platform/calls.ts";

/** Time limit of one try: enough for 8 MiB over a slow line. Milliseconds. */
export const R2_LIMIT_MS = 30_000;

/** The last delay is above a second, since R2 takes one write per second and key. */
const R2_CALLS: CallPolicy = {
  delaysMs: [150, 600, 2_250],
  limitMs: R2_LIMIT_MS,
  isRetried: () => true,
};

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
  try {
    return await callWithRetries("R2", call, R2_CALLS);
  } catch (error) {
    throw failed(what, error);
  }
}

function failed(what: string, cause: unknown): PayloadStoreError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new PayloadStoreError(`R2 could not ${what}: ${message}`, { cause });
}
