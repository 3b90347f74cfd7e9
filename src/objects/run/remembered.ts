/**
 * What is kept of a run when its retention is over, while a run that has triggered it may still be retried in place: no payload, no
 * record, only that it was there. A retried attempt that triggers it again finds it, and executes nothing anew.
 *
 * It ends: a run that is deleted, or of which no more than this is kept, cannot be retried, and keeps nobody. So of runs that have found
 * each other none is kept for the other.
 */
import type { RunId } from "../../domain/ids.ts";
import type { Run } from "../../domain/run/state.ts";
import type { PayloadDigest } from "../../domain/trigger-key.ts";
import { MOST_FINDERS } from "../../domain/run/waiter-events.ts";
import type { AcceptAnswer, AcceptRequest, JoiningTrigger } from "./run-rpc.ts";
import type { Remembered } from "./schema.ts";
import type { RunStore } from "./journal.ts";

/** How a run stands that has triggered another one. `finishedAt` in epoch milliseconds. */
export type ParentStanding =
  | { readonly type: "open" }
  | { readonly type: "final"; readonly finishedAt: number }
  | { readonly type: "gone" };

/** The runs that have triggered this one, or found it. */
function parentsOf({ origin, foundBy }: Run): readonly RunId[] {
  return origin.parent === null ? foundBy : [origin.parent.runId, ...foundBy];
}

export function rememberedOf(run: Run): Remembered {
  const { status, digest, graph } = run;
  const keyed = Object.entries(run.joined).filter(([id, { nonce }]) => id !== nonce);
  const joined = Object.fromEntries(
    keyed.slice(-MOST_JOINED).map(([id, { digest = "" }]) => [id, digest]),
  );
  return {
    status,
    ...(digest !== undefined && { digest }),
    ...(keyed.length > 0 && { joined }),
    parents: parentsOf(run),
    retentionMs: graph.retentionMs,
  };
}

/** Whether one of these is not final; else until when the last of them may be retried (epoch ms), or null. Rejects if one cannot be asked. */
export async function keptFor(
  { parents, retentionMs }: Pick<Remembered, "parents" | "retentionMs">,
  now: number,
  standingsOf: (parents: readonly RunId[]) => Promise<readonly ParentStanding[]>,
): Promise<"open" | number | null> {
  const standings = await standingsOf(parents);
  if (standings.some(({ type }) => type === "open")) return "open";
  const ends = standings.flatMap((standing) =>
    standing.type === "final" ? [standing.finishedAt + retentionMs] : [],
  );
  const until = Math.max(now, ...ends);
  return until > now ? until : null;
}

/** Of a debounced task's run the last triggers are remembered, so many that they fit into one row. */
const MOST_JOINED = 10_000;

/** What a trigger is answered whose run is over and no more than remembered; null: nothing is. One that is new keeps it in mind too. */
export function acceptPast(store: RunStore, trigger: AcceptRequest): AcceptAnswer | null {
  const past = store.remembered;
  return past === null ? null : found(store, past, past.digest, trigger);
}

/** The same for a trigger of a debounced task: null also if this run has not taken it, for then it belongs to another window. */
export function joinPast(
  store: RunStore,
  { key, ...trigger }: JoiningTrigger,
): AcceptAnswer | null {
  const past = store.remembered;
  const joined = key === undefined ? undefined : past?.joined?.[key];
  return past === null || joined === undefined
    ? null
    : found(store, past, joined === "" ? undefined : joined, trigger);
}

function found(
  store: RunStore,
  past: Remembered,
  known: PayloadDigest | undefined,
  { digest, origin }: Pick<JoiningTrigger, "digest" | "origin">,
): AcceptAnswer {
  const parent = origin?.parent ?? null;
  if (
    parent !== null &&
    !past.parents.includes(parent.runId) &&
    past.parents.length <= MOST_FINDERS
  )
    store.remember({ ...past, parents: [...past.parents, parent.runId] });
  const isOther = digest !== undefined && known !== undefined && digest !== known;
  return {
    status: past.status,
    outcome: isOther ? "mismatch" : "deduplicated",
    grant: { leases: [] },
  };
}
