/**
 * Parks outbox entries whose delivery failed for a day (see domain/run/outbox.ts) as dead
 * letters. A person sees the missing effect, and may redrive the entry while the run exists. The
 * letter's id follows from the run and the entry, so a repetition records nothing new.
 */
import type { ParkedEntry } from "../../domain/run/parked-entry.ts";
import type { OutboxMessage, OutboxEntry } from "../../domain/run/outbox-entry.ts";
import type { Run } from "../../domain/run/state.ts";
import { callDeadLetters, deadLetterIdOf } from "../dead-letters/dead-letters-client.ts";
import { log } from "../../platform/log.ts";

const WHAT: Readonly<Record<OutboxMessage["type"], string>> = {
  alert: "the task of on_failure could not be triggered",
  cancel_children: "not all runs that it has triggered could be cancelled",
};

/** Records the entry as a dead letter. Rejects if recording fails. */
export async function recordParked(
  env: Env,
  run: Run,
  { id, message: debt, tries }: OutboxEntry,
  now: number,
): Promise<void> {
  const letter = {
    id: await deadLetterIdOf("run", `${run.id}/${run.createdAt}/${id}`),
    queue: "none: owed by a run",
    reason: "given_up",
    detail: `${run.id}: ${WHAT[debt.type]}, in ${tries - 1} tries; the worker's log says why.`,
    body: JSON.stringify({ run_id: run.id, debt: debt.type, id } satisfies ParkedEntry),
    receivedAt: now,
    attempts: tries - 1,
    expiresAt: now + run.graph.retentionMs,
  } as const;
  log("error", "dead letter", letter);
  await callDeadLetters(env, (letters) => letters.record(letter));
}
