/** What was decided is too large for an entry of the journal. Told apart over RPC by its name. */
import { isNamed } from "../named-error.ts";

const NAME = "EntryTooLargeError";

/** Nothing was written. */
export class EntryTooLargeError extends Error {
  override readonly name = NAME;

  constructor(bytes: number, most: number) {
    super(
      `what is to be recorded has ${bytes} bytes, at most ${most} can be: trigger, await or pass on fewer things in one attempt`,
    );
  }
}

/** Whether an error is, here or in the object that was called, an `EntryTooLargeError`. */
export function isEntryTooLarge(error: unknown): boolean {
  return isNamed(error, NAME);
}
