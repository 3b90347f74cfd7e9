/**
 * How large a payload may be that is opened as a value. A worker has 128 MB for all that it does at once, and a value takes several
 * times its bytes: one that is too large would take its worker down, with every task in it, at each attempt anew.
 */
import { ProblemError } from "../domain/problem.ts";

/** Bytes. */
export const MAX_VALUE_BYTES = 32 * 1024 * 1024;

/** Throws a `ProblemError` (`payload_too_large`, which no other attempt can mend) if a value of so many bytes is too large; `what` names it. */
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
