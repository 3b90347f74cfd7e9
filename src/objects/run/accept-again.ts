/** What a run that is there answers a trigger of its id. It changes nothing. */
import { entryOf, type Run } from "../../domain/run/state.ts";
import { deliver } from "./lease-payloads.ts";
import type { AcceptAnswer, AcceptRequest, JoiningTrigger } from "./run-rpc.ts";
import type { RunStore } from "./journal.ts";

/** A debounced task's run has taken this trigger before; null: it has not. Only the very call that it has taken keeps its payload. */
export function joinAgain(run: Run, trigger: JoiningTrigger): AcceptAnswer | null {
  const { nonce, digest } = trigger;
  const joined = run.joined[trigger.key ?? nonce];
  if (joined === undefined) return null;
  const isOther = digest !== undefined && joined.digest !== undefined && digest !== joined.digest;
  const outcome = joined.nonce === nonce ? "joined" : isOther ? "mismatch" : "deduplicated";
  return { status: run.status, outcome, grant: { leases: [] } };
}

/** The very call that has made the run, made again because its answer was lost, gets its leases again, as far as they are still held. */
export function acceptAgain(
  run: Run,
  store: RunStore,
  { nonce, digest }: AcceptRequest,
): AcceptAnswer {
  const { status } = run;
  if (run.nonce !== nonce) {
    const isOther = digest !== undefined && run.digest !== undefined && digest !== run.digest;
    return { status, outcome: isOther ? "mismatch" : "deduplicated", grant: { leases: [] } };
  }
  const held = store.acceptedLeases.filter(({ ordinal, token }) => {
    const state = entryOf(run, ordinal)?.state;
    return state?.status === "running" && state.token === token;
  });
  return { status, outcome: "recorded", grant: { leases: deliver(run, store, held) } };
}
