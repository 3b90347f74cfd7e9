/**
 * Logs each failed attempt, for the terminal of `npm run dev`. The local runtime only: a deployment
 * would pay for each line, and keeps the errors in the run's document anyway.
 */
import type { Lease } from "../../objects/run/lease-rpc.ts";
import type { AttemptOutcome } from "../../objects/run/settlement-rpc.ts";
import { log } from "../../platform/log.ts";

/** Logs the outcome of an attempt if the author's code has failed. */
export function noteFailure(
  { runId, task, attempt, item }: Lease,
  outcome: AttemptOutcome,
  durationMs: number,
): void {
  if (outcome.type !== "failed" && outcome.type !== "timed_out") return;
  const { name, message, stack } = outcome.error;
  log("info", "attempt failed", {
    run_id: runId,
    task: item === undefined ? task : `${task}[${item.index}]`,
    attempt,
    duration_ms: durationMs,
    error: `${name}: ${message}`,
    stack,
  });
}
