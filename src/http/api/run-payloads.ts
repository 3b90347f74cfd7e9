/** Payloads of a run: of its trigger, its tasks and their items. */
import * as z from "zod";
import type { Problem } from "../../domain/problem.ts";
import type { Needs } from "../dependencies.ts";
import { type Routes, handle } from "../openapi/handle.ts";
import { operation } from "../openapi/operation.ts";
import { problemResponse } from "../problem.ts";
import { itemIndex, runParams, runTaskParams } from "./parameters.ts";
import { sendPayload } from "./payload-response.ts";
import { refuseUnlessInRun, unknownRun, withRunId, unknownItem } from "./run-id.ts";

const GROUP = "Runs";

/** Answers of all three calls. */
const payload = {
  200: { description: "The bytes, with their content type", contentTypes: ["*/*"] },
  206: { description: "The part that was asked for", contentTypes: ["*/*"] },
} as const;

/** Headers of a range request. Only one range of bytes is read; other ranges are ignored. */
const rangeHeaders = z.object({
  Range: z.string().optional().describe("One range of bytes, such as `bytes=0-1023`"),
  "If-Range": z
    .string()
    .optional()
    .describe("The `ETag` of the answer before: another payload is answered as a whole"),
});

/** `GET /runs/{id}/payload`: the payload of the trigger. */
export const readRunPayload = operation("GET /runs/{id}/payload", {
  id: "readRunPayload",
  right: "read_run",
  group: GROUP,
  summary: "What triggered the run",
  params: runParams,
  headers: rangeHeaders,
  answers: payload,
  problems: ["unknown_run", "no_payload", "range_not_satisfiable"],
});

/** `GET /runs/{id}/tasks/{task}/payload`: the output of a task. */
export const readTaskPayload = operation("GET /runs/{id}/tasks/{task}/payload", {
  id: "readTaskPayload",
  right: "read_run",
  group: GROUP,
  summary: "What the task passed",
  params: runTaskParams,
  query: z.strictObject({
    to: z
      .string()
      .optional()
      .describe("What it passed to this task alone: one of its `passed_to` in the run's document"),
  }),
  headers: rangeHeaders,
  answers: payload,
  problems: ["unknown_run", "unknown_task", "no_payload", "range_not_satisfiable"],
});

/** `GET /runs/{id}/tasks/{task}/items/{index}/payload`: the output of an item. */
export const readItemPayload = operation("GET /runs/{id}/tasks/{task}/items/{index}/payload", {
  id: "readItemPayload",
  right: "read_run",
  group: GROUP,
  summary: "What the item passed, of a task with `each`",
  params: z.object({ ...runTaskParams.shape, index: itemIndex }),
  headers: rangeHeaders,
  answers: payload,
  problems: ["unknown_run", "unknown_task", "unknown_item", "no_payload", "range_not_satisfiable"],
});

/** Adds the routes below /api/v1. */
export function runPayloadRoutes(routes: Routes, { callRun }: Needs<"callRun">): void {
  handle(routes, readRunPayload, (c, { params, headers }) =>
    withRunId(c, params, async (runId) => {
      const payload = await callRun(c.env, runId, (run) => run.payload(null));
      return payload
        ? sendPayload(c, payload, rangeOf(headers))
        : problemResponse(c, unknownRun(runId));
    }),
  );
  handle(routes, readTaskPayload, (c, { params, query, headers }) =>
    withRunId(c, params, async (runId) => {
      const { task } = params;
      const { to } = query;
      const payload = await callRun(c.env, runId, (run) => run.payload(task, undefined, to));
      if (payload) return sendPayload(c, payload, rangeOf(headers));
      if (payload === null) return problemResponse(c, unknownRun(runId));
      return problemResponse(
        c,
        (await refuseUnlessInRun(callRun, c.env, runId, task)) ?? nothingPassed(task, to),
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
}

/** Refuses to read what no task has passed, or has not passed yet. */
function nothingPassed(task: string, to?: string): Problem {
  const alone = to === undefined ? "" : ` to "${to}" alone`;
  return {
    code: "no_payload",
    detail: `The task "${task}" has passed nothing${alone} in this run.`,
    hint: "It passes its payload when it succeeds; the run's document shows its status.",
  };
}

/** Picks the headers with which a client reads a part of a payload. */
function rangeOf(headers: {
  readonly Range?: string | undefined;
  readonly "If-Range"?: string | undefined;
}) {
  return { range: headers.Range, ifRange: headers["If-Range"] };
}
