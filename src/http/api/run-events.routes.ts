/** `/runs/{id}/events`: what happens to a run, from the run's own object: as server-sent events, or over a WebSocket. */
import { Hono, type Context } from "hono";
import type { Problem } from "../../domain/problem.ts";
import type { RunId } from "../../domain/ids.ts";
import { openRunSocket, type callRun } from "../../objects/run/run-client.ts";
import { handle } from "../openapi/handle.ts";
import type { HttpEnv } from "../http-env.ts";
import { listenToRun } from "./runs.operations.ts";
import { problemResponse } from "../problem.ts";
import { unknownRun, withRunId } from "./run-id.ts";
import { whileAuthorized } from "../auth/while-authorized.ts";

/** The route below /api/v1. */
export function runEventRoutes({
  callRun: call,
}: {
  readonly callRun: typeof callRun;
}): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  handle(routes, listenToRun, (c, { params, query, headers }) =>
    withRunId(c, params, async (runId) => {
      if (c.req.header("Upgrade")?.toLowerCase() === "websocket")
        return openSocket(c, runId, query.after);
      const events = await call(c.env, runId, (run) =>
        run.events(positionIn(headers["Last-Event-ID"])),
      );
      if (events === null) return problemResponse(c, unknownRun(runId));
      // The one answer that a standard EventSource takes for the end; to anything else it comes back for ever.
      if (events === "over") return c.body(null, 204);
      if (events === "full") return problemResponse(c, FULL);
      return new Response(whileAuthorized(c, listenToRun.right, events), {
        // Nothing in between is to gather what is meant to be seen at once.
        headers: { "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no" },
      });
    }),
  );
  return routes;
}

async function openSocket(
  c: Context<HttpEnv>,
  runId: RunId,
  after: number | null = null,
): Promise<Response> {
  const answer = await openRunSocket(c.env, runId, c.get("caller").credential, after);
  return answer instanceof Response
    ? answer
    : problemResponse(c, answer === null ? unknownRun(runId) : FULL);
}

const FULL: Problem = {
  code: "overloaded",
  detail: "As many listen to the run as may do so at a time.",
  hint: "Ask for the run itself now and then, or come again later.",
  retryAfterSeconds: 30,
};

/** Up to where the listener has heard; null: nothing that this stream has told. */
function positionIn(lastEventId: string | undefined): number | null {
  return lastEventId !== undefined && /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : null;
}
