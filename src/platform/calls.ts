/**
 * Calls of what is elsewhere: objects, R2, queues, entrypoints. Each has a limit of time, for whoever is called may never answer, and
 * where it may be made again it is, a few times, while the surroundings fail.
 *
 * A call that has timed out may still have its effect: only what may happen twice is called so. It is made once more, on a fresh stub,
 * and given up when that is not answered either: who does not answer for twice the limit is left to the caller's own next try (an
 * alarm, a queue, a lease), so that nobody is held for longer.
 */

/** How often a call is made, and how long each time. */
export interface CallPolicy {
  /** Before each further try. Milliseconds. */
  readonly pausesMs: readonly number[];
  /** Of one try. Milliseconds. */
  readonly limitMs: number;
}

/** Of calls that cost little to give up: somebody else makes them again. */
export const BRIEFLY: CallPolicy = { pausesMs: [100, 500], limitMs: 5_000 };

/** Of handing work on: to a queue, or to an object or entrypoint that only notes it. Milliseconds. */
export const SEND_LIMIT_MS = 5_000;

/** So many tries that are not answered in time, and it is given up. */
const MOST_TIMEOUTS = 2;

/** A timer cannot be set further ahead: 24.8 days. Milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What the platform says where it sets no flag (Durable Objects, troubleshooting). */
const PASSING_MESSAGE =
  /durable object.*(reset|overloaded|no longer active)|network connection lost|connection closed/i;

/** Nobody has answered in time. Whether the call had its effect is not known. */
export class CallTimeoutError extends Error {
  override readonly name = "CallTimeoutError";
  readonly retryable = true;

  constructor(what: string, limitMs: number) {
    super(`${what} was not answered within ${limitMs} ms`);
  }
}

/** The answer, or a `CallTimeoutError` after so many milliseconds. A late answer is dropped. */
export async function within<T>(limitMs: number, what: string, answer: Promise<T>): Promise<T> {
  const { promise: overdue, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new CallTimeoutError(what, limitMs)),
    Math.min(limitMs, LONGEST_TIMER_MS),
  );
  try {
    return await Promise.race([answer, overdue]);
  } finally {
    clearTimeout(timer);
  }
}

/** Makes a call of an object, on a fresh stub each time (one that has failed stays broken), until it is answered; rejects with the last error. */
export async function callWithRetries<T>(
  what: string,
  call: () => Promise<T>,
  policy = BRIEFLY,
): Promise<T> {
  const { pausesMs, limitMs } = policy;
  let timeouts = 0;
  for (const pauseMs of pausesMs) {
    try {
      return await within(limitMs, what, call());
    } catch (error) {
      timeouts += Number(error instanceof CallTimeoutError);
      if (!isPassing(error) || timeouts === MOST_TIMEOUTS) throw error;
      await scheduler.wait(pauseMs * (isOverload(error) ? 2 : 1) * (0.5 + Math.random() / 2));
    }
  }
  return within(limitMs, what, call());
}

/** Whether the surroundings failed, not the call: a reset, an overload, a lost connection, a code update, no answer in time. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    ["retryable", "overloaded", "durableObjectReset"].some((flag) => hasFlag(error, flag)) ||
    PASSING_MESSAGE.test(error.message)
  );
}

function isOverload(error: unknown): boolean {
  return error instanceof Error && hasFlag(error, "overloaded");
}

function hasFlag(error: Error, flag: string): boolean {
  return Reflect.get(error, flag) === true;
}
