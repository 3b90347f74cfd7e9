/**
 * The errors that authors throw or catch. Each is recognized by `name`, also across bundles, where
 * `instanceof` fails.
 */
import { parseDuration } from "../../domain/duration.ts";
import type { RunId } from "../../domain/ids.ts";
import type { TaskStatus } from "../../domain/statuses.ts";
import type { DurationInput } from "./api.ts";

/**
 * Thrown by a task that another attempt cannot help: the task fails at once.
 *
 * @example throw new NonRetryableError("the audio object has no captions");
 */
export class NonRetryableError extends Error {
  override readonly name = "NonRetryableError";
}

/**
 * Thrown by a task that knows when to try again. Replaces the delay of the retry policy, not the
 * number of attempts.
 *
 * @example throw new RetryAfterError("30s", "the service is busy");
 */
export class RetryAfterError extends Error {
  override readonly name = "RetryAfterError";
  readonly retryAfterMs: number;

  /** `after`: a duration such as "30s", or milliseconds. Throws a RangeError for anything else. */
  constructor(
    after: DurationInput,
    message = "the task asks to be tried again later",
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.retryAfterMs = millisecondsOf(after);
  }
}

/** Thrown by `result({timeout})` if the run is not final in time. The run continues. */
export class ResultTimeoutError extends Error {
  override readonly name = "ResultTimeoutError";
}

/** Thrown by `result()` and `output()` if the run was deleted after its retention. */
export class RunGoneError extends Error {
  override readonly name = "RunGoneError";

  constructor(runId: RunId) {
    super(`the run ${runId} is no more: its retention is over`);
  }
}

/** Thrown by `output()` if the task did not succeed and has no output. */
export class TaskNotSucceededError extends Error {
  override readonly name = "TaskNotSucceededError";
  readonly runId: RunId;
  readonly task: string;
  readonly status: TaskStatus;
  /** The reason in the run's document; null without a reason. */
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
 * Thrown by `result()` in a suspended task, and the reason of its aborted `signal`. The error only
 * leaves the task's code: the attempt is over already, whatever the code does with the error.
 */
export class TaskSuspendedError extends Error {
  override readonly name = "TaskSuspendedError";

  constructor(runId: RunId) {
    super(
      `the task is suspended until the run ${runId} is final; this attempt is over, let this error pass`,
    );
  }
}

/** The reason of `signal` when the run was cancelled, or when another attempt holds the lease. */
export class AttemptOverError extends Error {
  override readonly name = "AttemptOverError";
}

/** The reason of `signal` when the attempt's timeout is over. */
export class AttemptTimeoutError extends Error {
  override readonly name = "TimeoutError";

  constructor(timeoutMs: number) {
    super(`the attempt ran longer than its timeout of ${timeoutMs} ms`);
  }
}

/** Thrown by a helper that is called outside of a task or endpoint. */
export class OutsideTaskError extends Error {
  override readonly name = "OutsideTaskError";
}

/**
 * Converts a duration such as "30s" to milliseconds; a number is returned as it is. Throws a
 * RangeError with the allowed forms.
 */
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

/**
 * Thrown by `verifyRecommendation` and `countClick` for a text that is no token of this deployment.
 */
export class InvalidRecommendationError extends Error {
  override readonly name = "InvalidRecommendationError";

  constructor() {
    super(
      "the text is no `peach-recommendation` of this deployment: pass the value of that header as it was answered",
    );
  }
}
