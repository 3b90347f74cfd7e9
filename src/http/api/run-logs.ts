/** `/runs/{id}/tasks/{task}/logs`: log lines of a task or an item. */
import * as z from "zod";
import { logsSchema } from "../../contract/run-logs.ts";
import type { LogPlace } from "../../objects/run/run-documents-rpc.ts";
import type { Needs } from "../dependencies.ts";
import { type Routes, handle } from "../openapi/handle.ts";
import { answer, operation } from "../openapi/operation.ts";
import { problemResponse } from "../problem.ts";
import { itemIndex, limitOf, runTaskParams } from "./parameters.ts";
import { refuseUnlessInRun, unknownRun, withRunId, unknownItem } from "./run-id.ts";

/** Cursor `attempt.line`. */
const logCursor = z
  .string()
  .regex(/^\d{1,9}\.\d{1,9}$/, { error: "the `next_cursor` of an answer" })
  .transform((text) => {
    const [attempt = 0, line = 0] = text.split(".").map(Number);
    return { attempt, line };
  })
  .describe("The `next_cursor` of the page before");

/** `GET /runs/{id}/tasks/{task}/logs`: a page of log lines, oldest first. */
export const readTaskLogs = operation("GET /runs/{id}/tasks/{task}/logs", {
  id: "readTaskLogs",
  right: "read_run",
  group: "Runs",
  summary: "The log lines of the task, or of one of its items",
  params: runTaskParams,
  query: z.strictObject({
    attempt: z
      .int({ error: "the number of an attempt" })
      .min(1, { error: "the number of an attempt" })
      .optional()
      .describe("Only of this attempt"),
    item: itemIndex.optional(),
    limit: limitOf(1_000, 200),
    cursor: logCursor.optional(),
  }),
  answers: {
    200: answer("A page of the lines, oldest first", logsSchema),
  },
  problems: ["unknown_run", "unknown_task", "unknown_item"],
});

/** Adds the route below /api/v1. */
export function runLogRoutes(routes: Routes, { callRun }: Needs<"callRun">): void {
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
}

const FIRST_LINE: LogPlace = { attempt: 0, line: 0 };

function cursorOf(next: LogPlace | null): string | null {
  return next === null ? null : `${next.attempt}.${next.line}`;
}
