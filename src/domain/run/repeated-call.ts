/** What a call is given that was answered before, and is made again since the answer was lost. */
import { entryOf, type Run } from "./state.ts";
import type { GrantedLease } from "./machine-events.ts";

/** The leases that this call was given and that are not over; none: it was given none, or is made for the first time. */
export function leasesOfCall(run: Run, call: string): GrantedLease[] {
  return Array.from(run.active).flatMap((ordinal) => {
    const state = entryOf(run, ordinal)?.state;
    if (state?.status !== "running" || state.call !== call) return [];
    return { ordinal, attempt: state.attempt, token: state.token };
  });
}
