/**
 * Adds completion URLs to waiting external tasks, for callers with the scope `admin`. Others must
 * not see them: such a URL needs no token.
 */
import type { Context } from "hono";
import type { callRun } from "../../objects/run/run-client.ts";
import type { RunDocument, TaskDocument } from "../../objects/run/run-documents-rpc.ts";
import { completionUrl } from "../../execution/external/completion-token.ts";
import { refuseWithout } from "../auth/authenticate.ts";
import type { HttpEnv } from "../http-env.ts";

/** Returns the document, with completion URLs if the caller may see them. */
export async function withCompletionUrls(
  c: Context<HttpEnv>,
  document: RunDocument,
  call: typeof callRun,
): Promise<RunDocument> {
  const isWaiting = ({ waiting_for }: TaskDocument): boolean => waiting_for?.for === "completion";
  if (!document.tasks.some(isWaiting) || refuseWithout("admin", c.get("caller")) !== null)
    return document;
  const runId = document.run_id;
  const origin = c.env.PEACH_URL?.replace(/\/+$/, "") || new URL(c.req.url).origin;
  const tasks = document.tasks.map(async (task): Promise<TaskDocument> => {
    if (!isWaiting(task)) return task;
    const open = await call(c.env, runId, (run) => run.completable({ task: task.task }));
    if (!open || open.key === null || open.expiresAt === null) return task;
    const { ordinal, attempt, token, expiresAt, key } = open;
    const claims = { runId, ordinal, attempt, token, expiresAt };
    return { ...task, completion_url: await completionUrl(c.env, origin, key, claims) };
  });
  return { ...document, tasks: await Promise.all(tasks) };
}
