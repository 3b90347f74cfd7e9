/**
 * Calls to R2 with bounded retries. Only for what can be done again with the same effect: each key is written by one attempt
 * only, so a put whose answer was lost is put again.
 */

/** The last one is above a second: R2 takes one write a second to a key. Milliseconds. */
const PAUSES_MS = [100, 400, 1500] as const;

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

/** Calls R2 up to four times, with jittered pauses; then rejects with a `PayloadStoreError` that says what could not be done. */
export async function callR2<T>(what: string, call: () => Promise<T>): Promise<T> {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await call();
    } catch {
      await scheduler.wait(pauseMs * (0.5 + Math.random()));
    }
  }
  try {
    return await call();
  } catch (error) {
    throw new PayloadStoreError(`R2 could not ${what}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
