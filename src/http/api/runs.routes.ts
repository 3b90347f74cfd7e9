/** `/runs/{id}`: one run, its payloads and logs. Each call asks the run's own object. */
import { Hono } from "hono";
import type { Problem } from "../../domain/problem.ts";
import type { callRun } from "../../objects/run/run-client.ts";
import type { LogPlace } from "../../objects/run/run-documents-rpc.ts";
import { withCompletionUrls } from "./completion-urls.ts";
import { handle } from "../openapi/handle.ts";
import type { HttpEnv } from "../http-env.ts";
import { listItems } from "./items.operations.ts";
import {
  readItemPayload,
  readRun,
  readRunPayload,
  readTaskLogs,
  readTaskPayload,
} from "./runs.operations.ts";
import { sendPayload } from "./payload-response.ts";
import { problemResponse } from "../problem.ts";
import { refuseUnlessInRun, unknownRun, withRunId } from "./run-id.ts";

export interface RunRouteDependencies {
  readonly callRun: typeof callRun;
}

/** The routes below /api/v1. */
export function runRoutes({ callRun }: RunRouteDependencies): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  handle(routes, readRun, (c, { params, reply }) =>
    withRunId(c, params, async (runId) => {
      const document = await callRun(c.env, runId, (run) => run.describe());
      if (document === null) return problemResponse(c, unknownRun(runId));
      return reply(200, await withCompletionUrls(c, document, callRun));
    }),
  );
  handle(routes, readRunPayload, (c, { params, headers }) =>
    withRunId(c, params, async (runId) => {
      const payload = await callRun(c.env, runId, (run) => run.payload(null));
      return payload
        ? sendPayload(c, payload, rangeOf(headers))
        : problemResponse(c, unknownRun(runId));
    }),
  );
  handle(routes, readTaskPayload, (c, { params, headers }) =>
    withRunId(c, params, async (runId) => {
      const { task } = params;
      const payload = await callRun(c.env, runId, (run) => run.payload(task));
      if (payload) return sendPayload(c, payload, rangeOf(headers));
      if (payload === null) return problemResponse(c, unknownRun(runId));
      return problemResponse(
        c,
        (await refuseUnlessInRun(callRun, c.env, runId, task)) ?? nothingPassed(task),
      );
    }),
  );
  handle(routes, readTaskLogs, (c, { params, query, reply }) =>
    withRunId(c, params, async (runId) => {
      const { task } = params;
      const { limit, attempt = null, item, cursor: from = FIRST_LINE } = query;
      const page = await callRun(c.env, runId, (run) =>
        run.logs(task, { attempt, item, from, limit }),
      );
      if (page)
        return reply(200, {
          logs: page.logs,
          dropped: page.dropped,
          next_cursor: cursorOf(page.next),
        });
      if (page === null) return problemResponse(c, unknownRun(runId));
      return problemResponse(
        c,
        (await refuseUnlessInRun(callRun, c.env, runId, task)) ?? unknownItem(task, item),
      );
    }),
  );
  handle(routes, listItems, (c, { params, query: { status = null, limit, cursor = 0 }, reply }) =>
    withRunId(c, params, async (runId) => {
      const { task } = params;
      const page = await callRun(c.env, runId, (run) =>
        run.items(task, { status, limit, from: cursor }),
      );
      if (page)
        return reply(200, {
          items: page.items,
          next_cursor: page.next === null ? null : String(page.next),
        });
      if (page === null) return problemResponse(c, unknownRun(runId));
      return problemResponse(
        c,
        (await refuseUnlessInRun(callRun, c.env, runId, task)) ?? unknownRun(runId),
      );
    }),
  );
  handle(routes, readItemPayload, (c, { params, headers }) =>
    withRunId(c, params, async (runId) => {
      const { task, index } = params;
      const payload = await callRun(c.env, runId, (run) => run.payload(task, index));
      if (payload) return sendPayload(c, payload, rangeOf(headers));
      if (payload === null) return problemResponse(c, unknownRun(runId));
      const [item] =
        (
          await callRun(c.env, runId, (run) =>
            run.items(task, { status: null, limit: 1, from: index }),
          )
        )?.items ?? [];
      if (item !== undefined) return problemResponse(c, nothingPassed(`${task}[${index}]`));
      return problemResponse(
        c,
        (await refuseUnlessInRun(callRun, c.env, runId, task)) ?? unknownItem(task, index),
      );
    }),
  );
  return routes;
}

function unknownItem(task: string, index: number | undefined): Problem {
  return {
    code: "unknown_item",
    detail: `The task "${task}" has no item ${index ?? 0} in this run.`,
    hint: "GET /api/v1/runs/{id}/tasks/{task}/items lists its items, once what it reads is known.",
  };
}

function nothingPassed(task: string): Problem {
  return {
    code: "no_payload",
    detail: `The task "${task}" has passed nothing in this run.`,
    hint: "It passes its payload when it succeeds; the run's document shows its status.",
  };
}

const FIRST_LINE: LogPlace = { attempt: 0, line: 0 };

function cursorOf(next: LogPlace | null): string | null {
  return next === null ? null : `${next.attempt}.${next.line}`;
}

function rangeOf(headers: {
  readonly Range?: string | undefined;
  readonly "If-Range"?: string | undefined;
}) {
  return { range: headers.Range, ifRange: headers["If-Range"] };
}
