/** `/runs/{id}/tasks/{task}/items`: items of a task with `each`. */
import * as z from "zod";
import { itemsSchema } from "../../contract/run-items.ts";
import { TASK_STATUSES } from "../../domain/statuses.ts";
import type { Needs } from "../dependencies.ts";
import { type Routes, handle } from "../openapi/handle.ts";
import { answer, operation } from "../openapi/operation.ts";
import { problemResponse } from "../problem.ts";
import { limitOf, numberedCursor, runTaskParams } from "./parameters.ts";
import { refuseUnlessInRun, unknownRun, withRunId } from "./run-id.ts";

/** `GET /runs/{id}/tasks/{task}/items`: a page of items, in the order of the array. */
export const listItems = operation("GET /runs/{id}/tasks/{task}/items", {
  id: "listItems",
  right: "read_run",
  group: "Runs",
  summary: "The items of a task with `each`, in the order of its array",
  params: runTaskParams,
  query: z.strictObject({
    status: z.enum(TASK_STATUSES, { error: `one of ${TASK_STATUSES.join(", ")}` }).optional(),
    limit: limitOf(200, 50),
    cursor: numberedCursor.optional(),
  }),
  answers: {
    200: answer(
      "The items; none of a task without `each`, or whose array is not known yet",
      itemsSchema,
    ),
  },
  problems: ["unknown_run", "unknown_task"],
});

/** Adds the route below /api/v1. */
export function runItemRoutes(routes: Routes, { callRun }: Needs<"callRun">): void {
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
}
