/**
 * Limits payloads that are opened as a value. A worker has 128 MB for all its work, and a value
 * takes several times its bytes. A larger value would take down the worker and every task in it, at
 * each attempt anew.
 */
import { ProblemError } from "../domain/problem.ts";

/** Limit of a value. Bytes. */
export const MAX_VALUE_BYTES = 32 * 1024 * 1024;

/**
 * Throws a `ProblemError` (`payload_too_large`, final for the task) if a value of this size is too
 * large; `what` names the value.
 */
export function refuseLargeValue(what: string, size: number, hint = AS_STREAM): void {
  if (size <= MAX_VALUE_BYTES) return;
  throw new ProblemError({
    code: "payload_too_large",
    detail: `${what} has ${size} bytes, and at most ${MAX_VALUE_BYTES} are opened as a value.`,
    hint,
  });
}

const AS_STREAM =
  'Read it as a stream, `await readFromParentTask(parent, { as: "stream" })`, in a function without parameters: one with parameters is given the value.';
