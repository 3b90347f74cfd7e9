/** Body of a dead letter for an undeliverable outbox entry (see outbox.ts). */
import { parseRunId, type RunId } from "../ids.ts";
import type { OutboxMessage } from "./outbox-entry.ts";

export interface ParkedEntry {
  readonly run_id: RunId;
  readonly debt: OutboxMessage["type"];
  /** Id of the entry within its run. */
  readonly id: number;
}

/** Parses the body; null for any other dead letter. */
export function parseParked(body: unknown): { readonly runId: RunId; readonly id: number } | null {
  if (
    typeof body !== "object" ||
    body === null ||
    !("debt" in body) ||
    !("run_id" in body) ||
    !("id" in body)
  )
    return null;
  const runId = parseRunId(String(body.run_id));
  return runId === null || typeof body.id !== "number" ? null : { runId, id: body.id };
}
