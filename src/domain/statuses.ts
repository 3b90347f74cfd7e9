/**
 * The statuses, in one list each. Only an explicit retry changes a final status (see
 * retry-in-place.ts).
 *
 * Task:
 * - `pending`: an upstream task is not final. The last upstream end leads to `queued` or `skipped`.
 *   A crash changes nothing.
 * - `queued`: ready, and waits for a driver or an executor object; or blocked by a limit or a
 *   pause. A claim leads to `running`. The run's alarm replaces a lost message.
 * - `running`: leased to one attempt. A settle ends the lease. An expired lease makes the attempt
 *   lost and leads to `queued`.
 * - `retrying`: an attempt threw, or several were lost; the next attempt waits for its time. The
 *   alarm leads to `queued`.
 * - `waiting`: nothing runs. An external task waits for its completion, or a suspended attempt
 *   awaits the result of another run. A completion ends the task; a result, or the end of the
 *   wait, leads to `queued`.
 * - `succeeded`: the result of an attempt was accepted; the passed data is visible to the children.
 * - `failed`: the last allowed attempt threw, or the task cannot run (see the reason).
 * - `skipped`: the task can no longer start: a failed or skipped upstream task, or no free slot and
 *   `strategy: skip`.
 * - `cancelled`: the run was cancelled first, or a newer attempt preempted the task (`strategy:
 *   cancel_running`).
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
 * - `running`: at least one attempt has started.
 * - `succeeded`: every task is final, none failed, and the run was not cancelled.
 * - `failed`: every task is final and at least one failed.
 * - `cancelled`: the run was cancelled, or a task was cancelled and none failed.
 */
export const RUN_STATUSES = ["queued", "running", "succeeded", "failed", "cancelled"] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/**
 * Attempt:
 * - `running`: holds the lease.
 * - `succeeded`: the result was accepted.
 * - `failed`: the task threw.
 * - `timed_out`: ran longer than `timeout`; a late result changes nothing.
 * - `lost`: the worker died, the lease expired, or the infrastructure failed. Does not count
 *   against `retries`.
 * - `cancelled`: the run was cancelled during the attempt.
 * - `suspended`: awaits the result of another run; the next attempt continues from the recorded
 *   steps. Does not count against `retries`.
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
