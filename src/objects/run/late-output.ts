/**
 * Objects that an attempt puts into R2 after the run was deleted. The attempt was lost, timed out
 * or failed, does not know about the deletion, and part of its code is still running. A run that
 * may have such an attempt checks R2 once more after its deletion.
 */
import type { Run } from "../../domain/run/state.ts";

/** Upper bound for an invocation: the platform ends an invocation after 15 minutes. */
const GOES_ON_MS = 1_000_000;

/**
 * Age below which an object may belong to a new run with the same id, at the time of the check.
 * Milliseconds.
 */
export const RECENT_MS = 60_000;

/** Returns the time after which no unsuccessful attempt can store objects, epoch milliseconds. */
export function lateOutputUntil({ tasks, items }: Pick<Run, "tasks" | "items">): number {
  let until = 0;
  for (const entries of [tasks, items])
    for (const { attempts } of entries)
      for (const { status, finishedAt } of attempts)
        if (status !== "succeeded") until = Math.max(until, (finishedAt ?? 0) + GOES_ON_MS);
  return until;
}
