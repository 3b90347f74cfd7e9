/**
 * The tombstone of a run after its retention, kept while a run that triggered this run may be
 * retried in place. Holds no payload and no record, only the fact that the run existed. A retried
 * attempt that triggers the run again finds the tombstone, and nothing is executed again.
 *
 * The chain ends: a deleted run, with or without a tombstone, cannot be retried, and keeps no other
 * run. Runs that found each other therefore do not keep each other.
 */
import type { RunId } from "../../domain/ids.ts";
import type { Run } from "../../domain/run/state.ts";
import type { PayloadDigest } from "../../domain/trigger-key.ts";
import { MAX_FINDERS } from "../../domain/run/waiters.ts";
import type { AcceptAnswer, AcceptRequest, JoiningTrigger } from "./accept-rpc.ts";
import type { Tombstone } from "./schema.ts";
import type { Journal } from "./journal.ts";

/** State of a run that triggered another run. `finishedAt` in epoch milliseconds. */
export type ParentState =
  | { readonly type: "open" }
  | { readonly type: "final"; readonly finishedAt: number }
  | { readonly type: "gone" };

/** Returns the runs that triggered or found this run. */
function parentsOf({ origin, foundBy }: Run): readonly RunId[] {
  return origin.parent === null ? foundBy : [origin.parent.runId, ...foundBy];
}

/** Creates the tombstone of a run that is about to be deleted. */
export function tombstoneOf(run: Run): Tombstone {
  const { status, digest, graph } = run;
  const keyed = Object.entries(run.joined).filter(([id, { nonce }]) => id !== nonce);
  const joined = Object.fromEntries(
    keyed.slice(-MAX_JOINED).map(([id, { digest = "" }]) => [id, digest]),
  );
  return {
    status,
    ...(digest !== undefined && { digest }),
    ...(keyed.length > 0 && { joined }),
    parents: parentsOf(run),
    retentionMs: graph.retentionMs,
  };
}

/**
 * Returns `open` if a parent is not final, else the time until which the last parent may be retried
 * (epoch milliseconds), or null. Rejects if a parent is unreachable.
 */
export async function keptFor(
  { parents, retentionMs }: Pick<Tombstone, "parents" | "retentionMs">,
  now: number,
  parentStates: (parents: readonly RunId[]) => Promise<readonly ParentState[]>,
): Promise<"open" | number | null> {
  const states = await parentStates(parents);
  if (states.some(({ type }) => type === "open")) return "open";
  const ends = states.flatMap((state) =>
    state.type === "final" ? [state.finishedAt + retentionMs] : [],
  );
  const until = Math.max(now, ...ends);
  return until > now ? until : null;
}

/** Limit of remembered triggers of a debounced task's run: as many as fit into one row. */
const MAX_JOINED = 10_000;

/**
 * Answers a trigger of which only a tombstone is left; null: no tombstone exists. A new parent is
 * added to the tombstone.
 */
export function acceptAfterDeletion(journal: Journal, trigger: AcceptRequest): AcceptAnswer | null {
  const past = journal.tombstone.value;
  return past === null ? null : found(journal, past, past.digest, trigger);
}

/**
 * Answers a trigger of a debounced task; null also for a trigger that the run did not take, because
 * such a trigger belongs to another window.
 */
export function joinAfterDeletion(
  journal: Journal,
  { key, ...trigger }: JoiningTrigger,
): AcceptAnswer | null {
  const past = journal.tombstone.value;
  const joined = key === undefined ? undefined : past?.joined?.[key];
  return past === null || joined === undefined
    ? null
    : found(journal, past, joined === "" ? undefined : joined, trigger);
}

function found(
  journal: Journal,
  past: Tombstone,
  known: PayloadDigest | undefined,
  { digest, origin }: Pick<JoiningTrigger, "digest" | "origin">,
): AcceptAnswer {
  const parent = origin?.parent ?? null;
  if (parent !== null && !past.parents.includes(parent.runId) && past.parents.length <= MAX_FINDERS)
    journal.tombstone.write({ ...past, parents: [...past.parents, parent.runId] });
  const isOther = digest !== undefined && known !== undefined && digest !== known;
  return {
    status: past.status,
    outcome: isOther ? "mismatch" : "deduplicated",
    grant: { leases: [] },
  };
}
