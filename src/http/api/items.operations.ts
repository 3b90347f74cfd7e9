/** The calls about the items of a task that runs once per item. */
import { z } from "zod";
import { TASK_STATUSES } from "../../domain/statuses.ts";
import {
  limitOf,
  named,
  nextCursor,
  numberedCursor,
  runTaskParams,
  taskOfRunDocument,
} from "./schemas.ts";
import type { Operation } from "../openapi/operation.ts";

const GROUP = "Runs";

export const listItems = {
  id: "listItems",
  method: "GET",
  path: "/runs/{id}/tasks/{task}/items",
  right: "read_run",
  group: GROUP,
  summary: "The items of a task with `each`, in the order of its array",
  params: runTaskParams,
  query: z.strictObject({
    status: z.enum(TASK_STATUSES, { error: `one of ${TASK_STATUSES.join(", ")}` }).optional(),
    limit: limitOf(200, 50),
    cursor: numberedCursor.optional(),
  }),
  answers: {
    200: {
      description: "The items; none of a task without `each`, or whose array is not known yet",
      document: named(
        "Items",
        z.object({
          items: z.array(
            z.object({
              index: z.int(),
              ...taskOfRunDocument.pick({
                status: true,
                reason: true,
                attempts: true,
                output: true,
              }).shape,
            }),
          ),
          next_cursor: nextCursor,
        }),
      ),
    },
  },
  problems: ["unknown_run", "unknown_task"],
} satisfies Operation;
