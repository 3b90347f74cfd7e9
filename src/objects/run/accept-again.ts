/** Answers a trigger whose run exists already. Changes nothing. */
import { entryOf, type Run } from "../../domain/run/state.ts";
import { buildLeases } from "./lease-payloads.ts";
import type { AcceptAnswer, AcceptRequest, JoiningTrigger } from "./accept-rpc.ts";
import type { Journal } from "./journal.ts";

/**
 * Answers a trigger that the run of a debounced task has taken before; null if the run has not.
 * `joined` only for the call that was taken: its payload is the run's.
 */
export function joinAgain(run: Run, trigger: JoiningTrigger): AcceptAnswer | null {
  const { nonce, digest } = trigger;
  const joined = run.joined[trigger.key ?? nonce];
  if (joined === undefined) return null;
  const isOther = digest !== undefined && joined.digest !== undefined && digest !== joined.digest;
  const outcome = joined.nonce === nonce ? "joined" : isOther ? "mismatch" : "deduplicated";
  return { status: run.status, outcome, grant: { leases: [] } };
}

/**
 * Answers a repeated accept. The call that created the run, repeated because the answer was lost,
 * gets the leases that are still held.
 */
export function acceptAgain(
  run: Run,
  journal: Journal,
  { nonce, digest }: AcceptRequest,
): AcceptAnswer {
  const { status } = run;
  if (run.nonce !== nonce) {
    const isOther = digest !== undefined && run.digest !== undefined && digest !== run.digest;
    return { status, outcome: isOther ? "mismatch" : "deduplicated", grant: { leases: [] } };
  }
  const held = journal.acceptedLeases.filter(({ ordinal, token }) => {
    const state = entryOf(run, ordinal)?.state;
    return state?.status === "running" && state.token === token;
  });
  return { status, outcome: "recorded", grant: { leases: buildLeases(run, journal, held) } };
}
