/**
 * The statuses, one list each. Final ones never change but by an explicit retry (see retry-in-place.ts).
 *
 * Task:
 * - `pending`: some upstream task is not final. Left when the last one is (to `queued`, or `skipped`). A crash changes nothing.
 * - `queued`: may start; waits for a driver or an executor object, or is held back by a limit or a pause. Left when one claims it. If the message is lost, the run's
 *   alarm sends another.
 * - `running`: leased to one attempt. Left by its settle, or when the lease expires (the attempt is lost; to `queued`).
 * - `retrying`: an attempt threw, or several were lost; the next one waits for its time. Left when the alarm fires (to `queued`).
 * - `waiting`: nothing runs: an external task whose completion nobody has reported yet, or a task whose attempt was suspended
 *   because it awaits the result of another run. Left when that is there, or the wait is over (to `queued`).
 * - `succeeded`: an attempt's result was accepted; what it passed is visible to its children.
 * - `failed`: the last allowed attempt threw, or it cannot be run (the reason says why).
 * - `skipped`: it cannot start any more (a failed or skipped upstream task, or no slot of its limit and it does not wait).
 * - `cancelled`: the run was cancelled before it was final, or it gave way to a newer attempt (`strategy: cancel_running`).
 */
export const TASK_STATUSES = [
  "pending",
  "queued",
  "running",
  "retrying",
  "waiting",
  "succeeded",
  "failed",
  "skipped",
  "cancelled",
] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/**
 * Run:
 * - `queued`: accepted, no attempt started yet.
 * - `running`: some attempt has started.
 * - `succeeded`: every task is final, none failed, and it was not cancelled.
 * - `failed`: every task is final and some task failed.
 * - `cancelled`: it was cancelled, or one of its tasks was and none failed.
 */
export const RUN_STATUSES = ["queued", "running", "succeeded", "failed", "cancelled"] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/**
 * Attempt:
 * - `running`: holds the lease.
 * - `succeeded`: its result was accepted.
 * - `failed`: the task threw.
 * - `timed_out`: it ran longer than `timeout`; its late result changes nothing.
 * - `lost`: its worker died, the lease ran out, or the surroundings failed. Does not count against `retries`.
 * - `cancelled`: the run was cancelled while it ran.
 * - `suspended`: it awaits the result of another run; the next attempt goes on from its steps. Does not count against `retries`.
 */
export const ATTEMPT_STATUSES = [
  "running",
  "succeeded",
  "failed",
  "timed_out",
  "lost",
  "cancelled",
  "suspended",
] as const;
export type AttemptStatus = (typeof ATTEMPT_STATUSES)[number];
