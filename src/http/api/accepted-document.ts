/** What a trigger or a replay is answered with. */
import type { Context } from "hono";
import type { AcceptedTrigger as AcceptedTriggerDocument } from "../../contract/run.ts";
import type { AcceptedTrigger } from "../../triggers/accept.ts";
import type { HttpEnv } from "../http-env.ts";

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
