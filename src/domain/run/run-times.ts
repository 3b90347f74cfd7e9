/**
 * Times of a run, told apart: attempts at work, and waits. A wait is a block by a limit, a pause or
 * a missing deploy, a wait for other runs, or a wait for a completion. What is neither, such as the
 * way through the queue or the delay of a retry, counts as none of them.
 *
 * Attempts are read from their records. The length of a wait is noted when the wait ends
 * (`TaskEntry.waitedMs`), since its state is gone then.
 */
import { LEASE_GRACE_MS, methodMs } from "../plan/run-graph.ts";
import type { AttemptRecord } from "./attempt.ts";
import type { Run, TaskEntry } from "./state.ts";
import type { TaskState } from "./task-state.ts";

/** Sums over all tasks and items, in milliseconds: what goes on side by side counts each. */
export interface RunTimes {
  readonly workMs: number;
  readonly waitedMs: number;
}

/** Tests for a state which is a wait. */
export function isWait(state: TaskState): boolean {
  return state.status === "waiting" || (state.status === "queued" && state.blockedBy !== undefined);
}

/** Beginning of the wait in this state; null for a state without a wait. */
function waitSince(state: TaskState, attempts: readonly AttemptRecord[]): number | null {
  if (state.status === "queued") return state.blockedBy?.since ?? null;
  if (state.status !== "waiting") return null;
  if (state.for === "run") return attempts.at(-1)?.finishedAt ?? null;
  const { returnedAt, startedAt } = attempts[state.attempt - 1] ?? {};
  return returnedAt ?? startedAt ?? null;
}

/** Length of the wait which ends with a change of states; 0 without one, and while it goes on. */
export function endedWaitMs(
  { state, attempts }: Pick<TaskEntry, "state" | "attempts">,
  after: { readonly state: TaskState; readonly attempts: readonly AttemptRecord[] },
  now: number,
): number {
  const since = waitSince(state, attempts);
  if (since === null || waitSince(after.state, after.attempts) === since) return 0;
  return Math.max(0, now - since);
}

/** Times of all rounds. What goes on counts up to `now`. */
export function timesOf(run: Run, now: number): RunTimes {
  let workMs = 0;
  let waitedMs = 0;
  for (const entry of [...run.tasks, ...run.items]) {
    const since = waitSince(entry.state, entry.attempts);
    waitedMs += (entry.waitedMs ?? 0) + (since === null ? 0 : Math.max(0, now - since));
    for (const attempt of entry.attempts) {
      const worked = workOf(entry, attempt, now);
      workMs += worked.until - attempt.startedAt;
      // Older code has noted nothing of such a wait.
      if (worked.isOld && attempt.finishedAt !== null)
        waitedMs += Math.max(0, attempt.finishedAt - attempt.startedAt);
    }
  }
  return { workMs, waitedMs };
}

/**
 * Time at work of a final run's last round in milliseconds: attempts side by side count once. Null
 * for an open run, and for a run without an attempt.
 */
export function durationOf(run: Run): number | null {
  const { finishedAt, startedAt } = run;
  if (finishedAt === null || startedAt === null) return null;
  const rounds = roundsOf(run);
  const spans = [...run.tasks, ...run.items].flatMap((entry) =>
    roundOf(entry) < rounds
      ? []
      : entry.attempts
          .slice(entry.retriedAfter)
          .map((attempt) => [attempt.startedAt, workOf(entry, attempt, finishedAt).until] as const),
  );
  let [durationMs, covered] = [0, 0];
  for (const [from, until] of spans.toSorted(([one], [other]) => one - other)) {
    durationMs += Math.max(0, until - Math.max(from, covered));
    covered = Math.max(covered, until);
  }
  return durationMs;
}

/** Number of rounds: 1, and one more for each retry in place. */
export function roundsOf({ tasks }: Pick<Run, "tasks">): number {
  return tasks.reduce((most, entry) => Math.max(most, roundOf(entry)), 1);
}

/** The last round in which the task took part. Older code noted no number. */
function roundOf({ round, retriedAfter }: TaskEntry): number {
  return round ?? (retriedAfter > 0 ? 2 : 1);
}

/** End of the attempt's work; `isOld`: older code recorded the attempt, which was one wait. */
function workOf(
  { task, state }: TaskEntry,
  { startedAt, finishedAt, returnedAt, completedBy }: AttemptRecord,
  now: number,
): { readonly until: number; readonly isOld: boolean } {
  const until = Math.max(startedAt, returnedAt ?? finishedAt ?? now);
  if (task.external !== true || returnedAt !== undefined) return { until, isOld: false };
  const isOld =
    completedBy !== undefined ||
    (finishedAt === null && state.status === "waiting") ||
    until - startedAt > methodMs(task) + 2 * LEASE_GRACE_MS;
  return { until: isOld ? startedAt : until, isOld };
}
