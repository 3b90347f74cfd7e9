/** Steering one run: cancel and retry in place. Each call asks the run's own object, which decides. */
import { Hono } from "hono";
import type { RunId } from "../../core/ids.ts";
import type { Problem } from "../../core/result.ts";
import type { callRun } from "../../run/run-client.ts";
import type { RetryOutcome, RunDocument } from "../../run/run-rpc.ts";
import { handle } from "../handle.ts";
import type { HttpEnv } from "../http-env.ts";
import { cancelRun, retryRun } from "../operations/steering.ts";
import { problemResponse } from "../problem.ts";
import { unknownRun, withRunId } from "../run-id.ts";

export interface SteeringRouteDependencies {
  readonly callRun: typeof callRun;
}

/** The routes below /api/v1. */
export function steeringRoutes({ callRun }: SteeringRouteDependencies): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  handle(routes, cancelRun, (c, { params, reply }) =>
    withRunId(c, params, async (runId) => {
      const answer = await callRun(c.env, runId, (run) => run.cancel());
      if (answer === null) return problemResponse(c, unknownRun(runId));
      return answer.cancelled ? reply(200, answer.document) : problemResponse(c, runFinal(answer.document));
    }),
  );
  handle(routes, retryRun, (c, { params, reply }) =>
    withRunId(c, params, async (runId) => {
      const answer = await callRun(c.env, runId, (run) => run.retry());
      if (answer === null) return problemResponse(c, unknownRun(runId));
      const { outcome, document } = answer;
      return outcome === "retried" ? reply(200, document) : problemResponse(c, notRetried(runId, outcome, document));
    }),
  );
  return routes;
}

function runFinal({ run_id, status }: RunDocument): Problem {
  return {
    code: "run_final",
    detail: `The run ${run_id} has ended already: it is ${status}.`,
    hint: "A run can be cancelled while it is queued or running.",
  };
}

function notRetried(runId: RunId, code: Exclude<RetryOutcome, "retried">, { status }: RunDocument): Problem {
  if (code === "run_not_final")
    return {
      code,
      detail: `The run ${runId} has not ended: it is ${status}.`,
      hint: "Its tasks are retried by their own policy; to begin anew, cancel the run and retry it then.",
    };
  return {
    code,
    detail: `The run ${runId} is ${status}, and none of its tasks has failed, was skipped for it or was cancelled.`,
    hint: "To have it run again as a whole, replay it: POST /api/v1/runs/{id}/replay.",
  };
}
