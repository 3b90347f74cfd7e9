/**
 * Checks access to runs for callers without the scope `read`: they may read the runs that they
 * started.
 */
import type { Context } from "hono";
import { actorKey } from "../../domain/actor.ts";
import { parseRunId, type RunId } from "../../domain/ids.ts";
import { hasRight } from "../../domain/scope.ts";
import { callRun } from "../../objects/run/run-client.ts";
import type { RunDocument } from "../../objects/run/run-documents-rpc.ts";
import { forbiddenRun } from "./authenticate.ts";
import type { Refusal } from "./authenticator.ts";
import type { Caller, HttpEnv } from "../http-env.ts";

/**
 * Starter of each requested run, by run id. It never changes, so one call of the run's object is
 * enough for any number of reads.
 */
const starters = new Map<RunId, string>();
/** Entries of `starters`; the map is cleared when it is full. */
const MAX_REMEMBERED = 10_000;

/** Checks whether the caller may read the run. */
export function mayReadRun(
  caller: Caller,
  { trigger: { actor } }: Pick<RunDocument, "trigger">,
): boolean {
  if (hasRight(caller.scopes, "read")) return true;
  return (
    hasRight(caller.scopes, "read_run") &&
    actor !== undefined &&
    actorKey(actor) === actorKey(caller)
  );
}

/**
 * Refuses a run that another caller started; null if the caller may read it, or if it does not
 * exist (the handler answers 404 itself).
 */
export async function refuseOthersRun(c: Context<HttpEnv>, id: string): Promise<Refusal | null> {
  const caller = c.get("caller");
  if (hasRight(caller.scopes, "read")) return null;
  const runId = parseRunId(id);
  if (runId === null || starters.get(runId) === actorKey(caller)) return null;
  const document = await callRun(c.env, runId, (run) => run.describe());
  if (document === null) return null;
  if (!mayReadRun(caller, document)) return forbiddenRun(runId, caller);
  if (starters.size >= MAX_REMEMBERED) starters.clear();
  starters.set(runId, actorKey(caller));
  return null;
}
