/**
 * What is kept of a run when its retention is over, while a run that has triggered it may still be retried in place: no payload, no
 * record, only that it was there. A retried attempt that triggers it again finds it, and executes nothing anew.
 *
 * It ends: a run that is deleted, or of which no more than this is kept, cannot be retried, and keeps nobody. So of runs that have found
 * each other none is kept for the other.
 */
import type { RunId } from "../core/ids.ts";
import type { Run } from "../core/run.ts";
import { MOST_FINDERS } from "../core/watching.ts";
import type { AcceptAnswer, AcceptRequest } from "./run-rpc.ts";
import type { Remembered } from "./schema.ts";
import type { RunStore } from "./store.ts";

/** How a run stands that has triggered another one. `finishedAt` in epoch milliseconds. */
export type ParentStanding =
  | { readonly type: "open" }
  | { readonly type: "final"; readonly finishedAt: number }
  | { readonly type: "gone" };

/** The runs that have triggered this one, or found it. */
export function parentsOf({ origin, foundBy }: Run): readonly RunId[] {
  return origin.parent === null ? foundBy : [origin.parent.runId, ...foundBy];
}

export function rememberedOf(run: Run): Remembered {
  const { status, digest, graph } = run;
  return { status, ...(digest !== undefined && { digest }), parents: parentsOf(run), retentionMs: graph.retentionMs };
}

/** Whether one of these is not final; else until when the last of them may be retried (epoch ms), or null. Rejects if one cannot be asked. */
export async function keptFor(
  { parents, retentionMs }: Pick<Remembered, "parents" | "retentionMs">,
  now: number,
  standingsOf: (parents: readonly RunId[]) => Promise<readonly ParentStanding[]>,
): Promise<"open" | number | null> {
  const standings = await standingsOf(parents);
  if (standings.some(({ type }) => type === "open")) return "open";
  const ends = standings.flatMap((standing) => (standing.type === "final" ? [standing.finishedAt + retentionMs] : []));
  const until = Math.max(now, ...ends);
  return until > now ? until : null;
}

/** What a trigger is answered whose run is over and no more than remembered; null: nothing is. One that is new keeps it in mind too. */
export function acceptPast(store: RunStore, { origin, digest }: AcceptRequest): AcceptAnswer | null {
  const past = store.remembered;
  if (past === null) return null;
  const { parent } = origin;
  if (parent !== null && !past.parents.includes(parent.runId) && past.parents.length <= MOST_FINDERS)
    store.remember({ ...past, parents: [...past.parents, parent.runId] });
  const isOther = digest !== undefined && past.digest !== undefined && digest !== past.digest;
  return { status: past.status, outcome: isOther ? "mismatch" : "deduplicated", grant: { leases: [] } };
}
