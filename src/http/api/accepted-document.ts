/** Formats the answer to a trigger or a replay. */
import type { Context } from "hono";
import type { AcceptedTrigger as AcceptedTriggerDocument } from "../../contract/run.ts";
import type { AcceptedTrigger } from "../../triggers/accept.ts";
import type { HttpEnv } from "../http-env.ts";

/** Returns the document of an accepted run, with the url to read the run. */
export function acceptedDocument(
  c: Context<HttpEnv>,
  { runId, task, status, deduplicated }: AcceptedTrigger,
): AcceptedTriggerDocument {
  return {
    run_id: runId,
    task,
    status,
    deduplicated,
    url: new URL(`/api/v1/runs/${runId}`, c.req.url).href,
  };
}
