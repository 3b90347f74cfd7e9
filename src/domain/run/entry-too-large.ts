/** A change beyond the size of a journal entry. The name identifies the error over RPC. */
import { isNamed } from "../named-error.ts";

const NAME = "EntryTooLargeError";

/** Thrown before anything was written. */
export class EntryTooLargeError extends Error {
  override readonly name = NAME;

  constructor(bytes: number, most: number) {
    super(
      `what is to be recorded has ${bytes} bytes, at most ${most} can be: trigger, await or pass on fewer things in one attempt`,
    );
  }
}

/** Recognises `EntryTooLargeError`, local or remote. */
export function isEntryTooLarge(error: unknown): boolean {
  return isNamed(error, NAME);
}
