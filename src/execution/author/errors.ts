/**
 * The errors that authors throw or meet. All can be told by `name`, also where `instanceof` cannot (across bundles).
 */
import { parseDuration } from "../../domain/duration.ts";
import type { RunId } from "../../domain/ids.ts";
import type { TaskStatus } from "../../domain/statuses.ts";
import type { DurationInput } from "./api.ts";

/**
 * Thrown by a task that another attempt cannot help: it fails at once.
 *
 * @example throw new NonRetryableError("the audio object has no captions");
 */
export class NonRetryableError extends Error {
  override readonly name = "NonRetryableError";
}

/**
 * Thrown by a task that knows when to be tried again; replaces the delay of the retry policy, not its limit.
 *
 * @example throw new RetryAfterError("30s", "the service is busy");
 */
export class RetryAfterError extends Error {
  override readonly name = "RetryAfterError";
  readonly retryAfterMs: number;

  /** `after`: a duration such as "30s", or milliseconds. Throws a RangeError if it is neither. */
  constructor(
    after: DurationInput,
    message = "the task asks to be tried again later",
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.retryAfterMs = millisecondsOf(after);
  }
}

/** `result({timeout})`: the run was not final in time. It goes on. */
export class ResultTimeoutError extends Error {
  override readonly name = "ResultTimeoutError";
}

/** `result()` and `output()`: the run is no more, its retention is over. */
export class RunGoneError extends Error {
  override readonly name = "RunGoneError";

  constructor(runId: RunId) {
    super(`the run ${runId} is no more: its retention is over`);
  }
}

/** `output()`: the task whose output was asked for did not succeed, so there is none. */
export class TaskNotSucceededError extends Error {
  override readonly name = "TaskNotSucceededError";
  readonly runId: RunId;
  readonly task: string;
  readonly status: TaskStatus;
  /** Why, as the run's document says it; null if it says nothing. */
  readonly reason: string | null;

  constructor(runId: RunId, task: string, status: TaskStatus, reason: string | null) {
    super(
      `the task "${task}" of the run ${runId} passed nothing: it is ${status}${reason === null ? "" : ` (${reason})`}`,
    );
    this.runId = runId;
    this.task = task;
    this.status = status;
    this.reason = reason;
  }
}

/**
 * What `result()` throws, and `signal` is aborted with, when a task is suspended. It only has to leave the task's code: the attempt
 * is over already, whatever the code does with it.
 */
export class TaskSuspendedError extends Error {
  override readonly name = "TaskSuspendedError";

  constructor(runId: RunId) {
    super(
      `the task is suspended until the run ${runId} is final; this attempt is over, let this error pass`,
    );
  }
}

/** What `signal` is aborted with when the run is cancelled, or the lease of the attempt has gone to another. */
export class AttemptOverError extends Error {
  override readonly name = "AttemptOverError";
}

/** What `signal` is aborted with when an attempt's time is up. */
export class AttemptTimeoutError extends Error {
  override readonly name = "TimeoutError";

  constructor(timeoutMs: number) {
    super(`the attempt ran longer than its timeout of ${timeoutMs} ms`);
  }
}

/** A helper was called where it has no task to work for. */
export class OutsideTaskError extends Error {
  override readonly name = "OutsideTaskError";
}

/** Milliseconds of a duration such as "30s", or of a number of them. Throws a RangeError that says what is allowed. */
export function millisecondsOf(duration: DurationInput): number {
  if (typeof duration === "number") {
    if (Number.isFinite(duration) && duration >= 0) return duration;
    throw new RangeError(`a duration in milliseconds is a number from 0, given ${duration}`);
  }
  const parsed = parseDuration(duration);
  if (parsed === null)
    throw new RangeError(
      `a duration is written like 250ms, 30s, 5m, 2h or 7d, given "${duration}"`,
    );
  return parsed;
}
