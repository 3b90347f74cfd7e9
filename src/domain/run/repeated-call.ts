/** Idempotency of a driver's call: a repeated call gets its original leases. */
import { entryOf, type Run } from "./state.ts";
import type { GrantedLease } from "./machine-events.ts";

/** Active leases of this call; empty on the first call. */
export function leasesOfCall(run: Run, call: string): GrantedLease[] {
  return Array.from(run.active).flatMap((ordinal) => {
    const state = entryOf(run, ordinal)?.state;
    if (state?.status !== "running" || state.call !== call) return [];
    return { ordinal, attempt: state.attempt, token: state.token };
  });
}
