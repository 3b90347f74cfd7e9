/**
 * `POST /complete/{token}`: completes an external attempt. The signed token in the URL is the only
 * credential. A wrong token reveals nothing about the run, and counts towards the failure limit of
 * its address.
 */
import { type Context, Hono } from "hono";
import type { Problem } from "../../domain/problem.ts";
import { type CompletionDependencies, completeByToken } from "../../execution/external/complete.ts";
import { parseCompletionToken } from "../../execution/external/completion-token.ts";
import { countFailure } from "../auth/failure-limit.ts";
import { incomingBody } from "../bounded-body.ts";
import type { HttpEnv } from "../http-env.ts";
import { auditCounted, auditEach, finishAfterDisconnect } from "../middleware/audit.ts";
import { problemResponse } from "../problem.ts";

/** Creates the route below /complete. */
export function completionRoutes(dependencies: CompletionDependencies): Hono<HttpEnv> {
  return new Hono<HttpEnv>().post("/:token", (c) => finishAfterDisconnect(c, complete(c)));

  async function complete(c: Context<HttpEnv, "/:token">): Promise<Response> {
    const presented = parseCompletionToken(c.req.param("token"));
    if (presented === null) return problemResponse(c, NO_COMPLETION_URL);
    const incoming = incomingBody(c.req.raw);
    const completed = incoming.ok
      ? await completeByToken(dependencies, c.env, presented, incoming.value)
      : incoming;
    if (!completed.ok) {
      const { problem } = completed;
      const isMadeUp = problem.code === "signature_mismatch";
      const refusal = isMadeUp
        ? await countFailure(c, { problem, headers: {} })
        : { problem, headers: {} };
      const answer = problemResponse(c, refusal.problem, refusal.headers);
      // A forged token names an arbitrary run, so the audit does not record it.
      auditCounted(c, { ...ACT, on: isMadeUp ? "" : presented.runId, status: answer.status });
      return answer;
    }
    const { runId, task, status } = completed.value;
    auditEach(c, { ...ACT, on: `${runId}/${task}`, status: 200 });
    return c.json({ run_id: runId, task, status });
  }
}

/** Actor in the audit: the URL identifies no person. */
const ACT = { who: "completion URL", what: "completeByUrl" } as const;

const NO_COMPLETION_URL: Problem = {
  code: "not_found",
  detail: "This is no completion URL.",
  hint: "Use it as the task got it, to the last character.",
};
