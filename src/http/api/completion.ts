/**
 * `POST /complete/{token}`: whoever holds the URL of an external attempt reports what it came to. The signed token is all that is asked
 * for; an answer tells nothing of a run whose token is not right. Who sends made-up ones on and on is told to come later.
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

/** The route below /complete. */
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
      // Made-up ones name whatever runs they like.
      auditCounted(c, { ...ACT, on: isMadeUp ? "" : presented.runId, status: answer.status });
      return answer;
    }
    const { runId, task, status } = completed.value;
    auditEach(c, { ...ACT, on: `${runId}/${task}`, status: 200 });
    return c.json({ run_id: runId, task, status });
  }
}

/** Whoever it was: the URL is all that is known of them. */
const ACT = { who: "completion URL", what: "completeByUrl" } as const;

const NO_COMPLETION_URL: Problem = {
  code: "not_found",
  detail: "This is no completion URL.",
  hint: "Use it as the task got it, to the last character.",
};
