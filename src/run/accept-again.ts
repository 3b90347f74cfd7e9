/** What a run that is there answers a trigger of its id. It changes nothing. */
import { entryOf, type Run } from "../core/run.ts";
import { deliver } from "./delivery.ts";
import type { AcceptAnswer, AcceptRequest } from "./run-rpc.ts";
import type { RunStore } from "./store.ts";

/** The very call that has made the run, made again because its answer was lost, gets its leases again, as far as they are still held. */
export function acceptAgain(run: Run, store: RunStore, { nonce, digest }: AcceptRequest): AcceptAnswer {
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
