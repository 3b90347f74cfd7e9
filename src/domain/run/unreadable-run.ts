/** A run whose journal is there and cannot be read: by a bug of the code, or damaged. Told apart over RPC by its name. */
import { isNamed } from "../named-error.ts";

const NAME = "UnreadableRunError";

/** Thrown by every call of such a run. */
export class UnreadableRunError extends Error {
  override readonly name = NAME;

  constructor(cause: unknown) {
    super(`the journal of this run cannot be read: ${String(cause)}`, { cause });
  }
}

/** Whether an error is, here or in the object that was called, an `UnreadableRunError`. */
export function isUnreadableRun(error: unknown): boolean {
  return isNamed(error, NAME);
}
