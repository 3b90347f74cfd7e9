/** Which runs a caller may read who may not read all of them: those that they have started. */
import type { Context } from "hono";
import { actorKey } from "../../domain/actor.ts";
import { parseRunId, type RunId } from "../../domain/ids.ts";
import { hasRight } from "../../domain/scope.ts";
import { callRun } from "../../objects/run/run-client.ts";
import type { RunDocument } from "../../objects/run/run-rpc.ts";
import { forbiddenRun } from "./authenticate.ts";
import type { Refusal } from "./authenticator.ts";
import type { Caller, HttpEnv } from "../http-env.ts";

/** Who has started runs that were asked for here. It never changes, so the run is asked once, and not for each look at it. */
const starters = new Map<RunId, string>();
const MAX_REMEMBERED = 10_000;

/** Whether the caller may read the run. */
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

/** The refusal of a run that somebody else has started; null: the caller may read it, or there is none. */
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
