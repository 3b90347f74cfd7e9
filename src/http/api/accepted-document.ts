/** What a trigger or a replay is answered with. */
import type { Context } from "hono";
import type { AcceptedTrigger } from "../../triggers/accept.ts";
import type { HttpEnv } from "../http-env.ts";
import type { DocumentOf } from "../openapi/operation.ts";
import type { triggerTask } from "./triggers.operations.ts";

export function acceptedDocument(
  c: Context<HttpEnv>,
  { runId, task, status, deduplicated }: AcceptedTrigger,
): DocumentOf<typeof triggerTask, 202> {
  return {
    run_id: runId,
    task,
    status,
    deduplicated,
    url: new URL(`/api/v1/runs/${runId}`, c.req.url).href,
  };
}
