/**
 * A run with an unreadable journal, after a bug or damage. The name identifies the error over RPC.
 */
import { isNamed } from "../named-error.ts";

const NAME = "UnreadableRunError";

/** Thrown by every call of such a run. */
export class UnreadableRunError extends Error {
  override readonly name = NAME;

  constructor(cause: unknown) {
    super(`the journal of this run cannot be read: ${String(cause)}`, { cause });
  }
}

/** Recognises `UnreadableRunError`, local or remote. */
export function isUnreadableRun(error: unknown): boolean {
  return isNamed(error, NAME);
}
