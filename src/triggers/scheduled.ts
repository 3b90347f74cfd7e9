/** Triggers the runs of due schedules. */
import type { RunId } from "../domain/ids.ts";
import { ok, type Result } from "../domain/problem.ts";
import type { ScheduleDefinition } from "../domain/schedules/due-times.ts";
import { scheduledRunKey } from "../domain/trigger-key.ts";
import { encodePayload } from "../payloads/codec.ts";
import type { Lifetime } from "../platform/lifetime.ts";
import type { AcceptTrigger } from "./accept.ts";

/**
 * Triggers the run of a schedule that was due at `dueAt` (epoch ms). Repeating the call finds the
 * same run. Refuses like `AcceptTrigger`.
 */
export async function startScheduled(
  acceptTrigger: AcceptTrigger,
  env: Env,
  lifetime: Lifetime,
  { task, cron, timezone, payload }: ScheduleDefinition,
  dueAt: number,
): Promise<Result<RunId>> {
  const dueAtIso = new Date(dueAt).toISOString();
  const encoded = encodePayload(
    payload === null ? { due_at: dueAtIso, cron, timezone } : JSON.parse(payload),
  );
  if (!encoded.ok) return encoded;
  const accepted = await acceptTrigger(env, lifetime, {
    task,
    payload: encoded.value,
    idempotencyKey: scheduledRunKey(dueAtIso, payload),
    origin: { source: "schedule", by: cron, parent: null },
  });
  return accepted.ok ? ok(accepted.value.runId) : accepted;
}
