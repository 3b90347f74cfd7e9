/**
 * Limits of time for calls of servers. The timers are those of Node's module, so they count real
 * time also in `peach/testing`, whose clock only the test moves: a server lives in real time.
 */
import { clearTimeout, setTimeout } from "node:timers";

/** Longest delay of a timer: 24.8 days. Milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Reports a call without an answer. The server may have carried the call out. */
export class TimeLimitError extends Error {
  override readonly name = "TimeLimitError";

  constructor(what: string, limitMs: number) {
    super(`${what} was not answered within ${limitMs} ms`);
  }
}

/** Calls `late` after the limit, unless the returned function is called before. */
export function afterLimit(limitMs: number, late: () => void): () => void {
  const timer = setTimeout(late, Math.min(limitMs, LONGEST_TIMER_MS));
  return () => clearTimeout(timer);
}

/** Returns the answer, or rejects with a `TimeLimitError` after the limit. */
export async function withinLimit<T>(
  limitMs: number,
  what: string,
  answer: Promise<T>,
): Promise<T> {
  const { promise: overdue, reject } = Promise.withResolvers<never>();
  const lift = afterLimit(limitMs, () => reject(new TimeLimitError(what, limitMs)));
  try {
    return await Promise.race([answer, overdue]);
  } finally {
    lift();
  }
}
