/**
 * `/runs/{id}/events`: streams the events of a run from its own object, as server-sent events or
 * over a WebSocket.
 */
import type { Context } from "hono";
import * as z from "zod";
import type { RunId } from "../../domain/ids.ts";
import type { Problem } from "../../domain/problem.ts";
import { openRunSocket } from "../../objects/run/run-client.ts";
import { whileAuthorized } from "../auth/while-authorized.ts";
import type { HttpEnv } from "../http-env.ts";
import type { Needs } from "../dependencies.ts";
import { type Routes, handle } from "../openapi/handle.ts";
import { operation } from "../openapi/operation.ts";
import { problemResponse } from "../problem.ts";
import { runParams } from "./parameters.ts";
import { unknownRun, withRunId } from "./run-id.ts";

/** `GET /runs/{id}/events`: the stream. */
export const listenToRun = operation("GET /runs/{id}/events", {
  id: "listenToRun",
  right: "read_run",
  group: "Runs",
  summary:
    "What happens to the run, as server-sent events: `run` (as it is), `change`, `progress`, `log`, `end`",
  params: runParams,
  query: z.strictObject({
    after: z
      .int({ error: "the id of an event of the run" })
      .min(0, { error: "the id of an event of the run" })
      .optional()
      .describe(
        "The same as `Last-Event-ID`, for a WebSocket: with `Upgrade` the events come as JSON arrays of `{id, event, data}`; it is closed with 1000 at the end, 3000 once the token or session has ended, 1013 to come again; `ping` is answered with `pong`",
      ),
  }),
  headers: z.object({
    "Last-Event-ID": z
      .string()
      .max(100)
      .optional()
      .describe(
        "The id of the last event that was heard: what changed after it follows, and no `run`",
      ),
  }),
  answers: {
    200: { description: "Events until the run has ended", contentTypes: ["text/event-stream"] },
    204: {
      description: "The run has ended, and `Last-Event-ID` is that of its end: nothing follows",
    },
  },
  problems: ["unknown_run", "overloaded"],
});

/** Adds the route below /api/v1. */
export function runEventRoutes(routes: Routes, { callRun }: Needs<"callRun">): void {
  handle(routes, listenToRun, (c, { params, query, headers }) =>
    withRunId(c, params, async (runId) => {
      if (c.req.header("Upgrade")?.toLowerCase() === "websocket")
        return openSocket(c, runId, query.after);
      const events = await callRun(c.env, runId, (run) =>
        run.events(positionIn(headers["Last-Event-ID"])),
      );
      if (events === null) return problemResponse(c, unknownRun(runId));
      // A standard EventSource stops only at 204; after any other answer it reconnects for ever.
      if (events === "over") return c.body(null, 204);
      if (events === "full") return problemResponse(c, FULL);
      return new Response(whileAuthorized(c, listenToRun.right, events), {
        // Proxies must not buffer the stream.
        headers: { "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no" },
      });
    }),
  );
}

/**
 * Upgrades to a WebSocket, which the run's object holds. The credential goes along, so that the
 * object can recheck it.
 */
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

/** Parses the position of the listener; null if the id is not of this stream. */
function positionIn(lastEventId: string | undefined): number | null {
  return lastEventId !== undefined && /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : null;
}
