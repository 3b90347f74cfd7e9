/** `/runs/{id}`: one run, its payloads and logs. Each call asks the run's own object. */
import { Hono, type Context } from "hono";
import { nearest } from "../../conf/nearest.ts";
import type { RunId } from "../../core/ids.ts";
import type { Problem } from "../../core/result.ts";
import type { callRun } from "../../run/run-client.ts";
import type { StoredPayload } from "../../run/run-rpc.ts";
import { handle } from "../handle.ts";
import type { HttpEnv } from "../http-env.ts";
import { readRun, readRunPayload, readTaskLogs, readTaskPayload } from "../operations/runs.ts";
import { problemResponse } from "../problem.ts";
import { unknownRun, withRunId } from "../run-id.ts";

export interface RunRouteDependencies {
  readonly callRun: typeof callRun;
}

/** The routes below /api/v1. */
export function runRoutes({ callRun }: RunRouteDependencies): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  handle(routes, readRun, (c, { params, reply }) =>
    withRunId(c, params, async (runId) => {
      const document = await callRun(c.env, runId, (run) => run.describe());
      return document === null ? problemResponse(c, unknownRun(runId)) : reply(200, document);
    }),
  );
  handle(routes, readRunPayload, (c, { params }) =>
    withRunId(c, params, async (runId) => {
      const payload = await callRun(c.env, runId, (run) => run.payload(null));
      return payload ? sendPayload(c, payload) : problemResponse(c, unknownRun(runId));
    }),
  );
  handle(routes, readTaskPayload, (c, { params }) =>
    withRunId(c, params, async (runId) => {
      const { task } = params;
      const payload = await callRun(c.env, runId, (run) => run.payload(task));
      if (payload) return sendPayload(c, payload);
      if (payload === null) return problemResponse(c, unknownRun(runId));
      return problemResponse(c, (await unlessInRun(c.env, runId, task)) ?? nothingPassed(task));
    }),
  );
  handle(routes, readTaskLogs, (c, { params, reply }) =>
    withRunId(c, params, async (runId) => {
      const { task } = params;
      const logs = await callRun(c.env, runId, (run) => run.logs(task));
      if (logs) return reply(200, logs);
      if (logs === null) return problemResponse(c, unknownRun(runId));
      return problemResponse(c, (await unlessInRun(c.env, runId, task)) ?? unknownRun(runId));
    }),
  );
  return routes;

  /** The refusal if the run has no such task. */
  async function unlessInRun(env: Env, runId: RunId, task: string): Promise<Problem | null> {
    const document = await callRun(env, runId, (run) => run.describe());
    if (document === null) return unknownRun(runId);
    const names = document.tasks.map((entry) => entry.task);
    if (names.includes(task)) return null;
    const meant = nearest(task, names);
    return {
      code: "unknown_task",
      detail: `The run ${runId} has no task "${task}".`,
      hint: meant === null ? `Its tasks are ${names.join(", ")}.` : `Did you mean "${meant}"?`,
    };
  }
}

function nothingPassed(task: string): Problem {
  return {
    code: "no_payload",
    detail: `The task "${task}" has passed nothing in this run.`,
    hint: "It passes its payload when it succeeds; the run's document shows its status.",
  };
}

async function sendPayload(c: Context<HttpEnv>, payload: StoredPayload): Promise<Response> {
  const headers = { "Content-Type": payload.contentType };
  if (payload.at === "inline") return new Response(payload.bytes, { headers });
  const object = await c.env.PAYLOADS.get(payload.key);
  if (object !== null) return new Response(object.body, { headers });
  return problemResponse(c, {
    code: "no_payload",
    detail: "The payload's object is no longer in R2.",
    hint: "It is deleted together with its run, after `retention`.",
  });
}
