/**
 * Objects that an attempt puts into R2 after its run was deleted. It is not asked for any more, and does not know that: it was lost, timed
 * out or failed, and something of it goes on. A run that is deleted while that may be looks into R2 once more afterwards.
 */
import type { Run } from "../../domain/run/state.ts";

/** The platform ends an invocation after 15 minutes. */
const GOES_ON_MS = 1_000_000;

/** What was stored so shortly before that look may be of a new run with the same id. Milliseconds. */
export const RECENT_MS = 60_000;

/** When the last attempt that ended otherwise than by succeeding can put nothing any more, epoch milliseconds. */
export function lateOutputUntil({ tasks, items }: Pick<Run, "tasks" | "items">): number {
  let until = 0;
  for (const entries of [tasks, items])
    for (const { attempts } of entries)
      for (const { status, finishedAt } of attempts)
        if (status !== "succeeded") until = Math.max(until, (finishedAt ?? 0) + GOES_ON_MS);
  return until;
}
