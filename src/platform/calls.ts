/**
 * Calls other parts of the system: objects, R2, queues, entrypoints. Each call has a time limit,
 * since the callee may never answer, and idempotent calls are retried a few times while the
 * infrastructure fails.
 *
 * A call without an answer may still take effect, so only idempotent calls are retried. After a
 * timeout the call is made once more, on a fresh stub, and a second timeout ends the retries.
 * Longer silence is left to the caller's own next try (an alarm, a queue, a lease), so that no
 * caller waits longer.
 */
import { AsyncLocalStorage } from "node:async_hooks";

/** Number and time limits of the tries of a call. */
export interface CallPolicy {
  /** Delay before each further try. Milliseconds. */
  readonly delaysMs: readonly number[];
  /** Time limit of one try. Milliseconds. */
  readonly limitMs: number;
  /** Errors that are worth another try; absent: transient ones. */
  readonly isRetried?: (error: unknown) => boolean;
}

/** Policy of calls that are cheap to abandon, since their caller repeats them later. */
export const BRIEFLY: CallPolicy = { delaysMs: [100, 500], limitMs: 5_000 };

/**
 * Time limit of a handover: to a queue, or to an object or entrypoint that only stores the work.
 * Milliseconds.
 */
export const SEND_LIMIT_MS = 5_000;

/** Number of timeouts after which a call fails. */
const MOST_TIMEOUTS = 2;

/** Longest delay of a timer: 24.8 days. Milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Messages of transient errors for which the platform sets no flag (Durable Objects,
 * troubleshooting).
 */
const TRANSIENT_MESSAGE =
  /durable object.*(reset|overloaded|no longer active)|network connection lost|connection closed/i;

/** Listeners to failed tries, by the work in which the calls are made. */
const listeners = new AsyncLocalStorage<() => void>();

/**
 * Runs `work`. Calls `heard` at each failed try of a call in it, asynchronous parts included, also
 * if a later try succeeds.
 */
export function hearingFailures<T>(heard: () => void, work: () => T): T {
  return listeners.run(heard, work);
}

/**
 * Returns the listener of the current work, for work that several callers share: each of them hears
 * the failures.
 */
export function failureListener(): () => void {
  return listeners.getStore() ?? ((): void => undefined);
}

/** Reports a missing answer. The call may have taken effect. */
export class CallTimeoutError extends Error {
  override readonly name = "CallTimeoutError";
  readonly retryable = true;

  constructor(what: string, limitMs: number) {
    super(`${what} was not answered within ${limitMs} ms`);
  }
}

/**
 * Returns the answer, or rejects with a `CallTimeoutError` after the time limit. A late answer is
 * dropped.
 */
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

/**
 * Makes a call until an answer. `call` takes a fresh stub each time: a failed stub stays broken.
 * Delays are random between half and all of the policy's, and twice that after an overload. Rejects
 * with the last error.
 */
export async function callWithRetries<T>(
  what: string,
  call: () => Promise<T>,
  policy = BRIEFLY,
): Promise<T> {
  const { delaysMs, limitMs, isRetried = isTransient } = policy;
  let timeouts = 0;
  for (const delayMs of delaysMs) {
    try {
      return await within(limitMs, what, call());
    } catch (error) {
      timeouts += Number(error instanceof CallTimeoutError);
      if (!isRetried(error)) throw error;
      listeners.getStore()?.();
      if (timeouts === MOST_TIMEOUTS) throw error;
      await scheduler.wait(delayMs * (isOverload(error) ? 2 : 1) * (0.5 + Math.random() / 2));
    }
  }
  return within(limitMs, what, call());
}

/**
 * Recognizes a failure of the infrastructure: a reset, an overload, a lost connection, a code
 * update, a timeout.
 */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    ["retryable", "overloaded", "durableObjectReset"].some((flag) => hasFlag(error, flag)) ||
    TRANSIENT_MESSAGE.test(error.message)
  );
}

function isOverload(error: unknown): boolean {
  return error instanceof Error && hasFlag(error, "overloaded");
}

function hasFlag(error: Error, flag: string): boolean {
  return Reflect.get(error, flag) === true;
}
