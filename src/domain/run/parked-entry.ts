/** What the dead letter of a debt carries that a run has given up (see owed.ts). */
import { parseRunId, type RunId } from "../ids.ts";
import type { Debt } from "./state.ts";

export interface ParkedDebt {
  readonly run_id: RunId;
  readonly debt: Debt["type"];
  /** Of the debt, in its run. */
  readonly id: number;
}

/** Which debt of which run a letter is about; null: it is about something else. */
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
