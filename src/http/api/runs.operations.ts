/** The calls about one run. */
import { z } from "zod";
import {
  anyJson,
  itemIndex,
  limitOf,
  named,
  nextCursor,
  runDocument,
  runParams,
  runTaskParams,
  time,
} from "./schemas.ts";
import type { Operation } from "../openapi/operation.ts";

const GROUP = "Runs";

const payload = {
  200: { description: "The bytes, with their content type", contentTypes: ["*/*"] },
  206: { description: "The part that was asked for", contentTypes: ["*/*"] },
} as const;

/** One range of bytes; whatever else it says is ignored. */
const rangeHeaders = z.object({
  Range: z.string().optional().describe("One range of bytes, such as `bytes=0-1023`"),
  "If-Range": z
    .string()
    .optional()
    .describe("The `ETag` of the answer before: another payload is answered as a whole"),
});

const logCursor = z
  .string()
  .regex(/^\d{1,9}\.\d{1,9}$/, { error: "the `next_cursor` of an answer" })
  .transform((text) => {
    const [attempt = 0, line = 0] = text.split(".").map(Number);
    return { attempt, line };
  })
  .describe("The `next_cursor` of the page before");

export const readRun = {
  id: "readRun",
  method: "GET",
  path: "/runs/{id}",
  right: "read_run",
  group: GROUP,
  summary: "The run: status, tasks, attempts, errors, the runs it triggered",
  params: runParams,
  answers: { 200: { description: "The run", document: runDocument } },
  problems: ["unknown_run"],
} satisfies Operation;

export const listenToRun = {
  id: "listenToRun",
  method: "GET",
  path: "/runs/{id}/events",
  right: "read_run",
  group: GROUP,
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
} satisfies Operation;

export const readRunPayload = {
  id: "readRunPayload",
  method: "GET",
  path: "/runs/{id}/payload",
  right: "read_run",
  group: GROUP,
  summary: "What triggered the run",
  params: runParams,
  headers: rangeHeaders,
  answers: payload,
  problems: ["unknown_run", "no_payload", "range_not_satisfiable"],
} satisfies Operation;

export const readTaskPayload = {
  id: "readTaskPayload",
  method: "GET",
  path: "/runs/{id}/tasks/{task}/payload",
  right: "read_run",
  group: GROUP,
  summary: "What the task passed",
  params: runTaskParams,
  headers: rangeHeaders,
  answers: payload,
  problems: ["unknown_run", "unknown_task", "no_payload", "range_not_satisfiable"],
} satisfies Operation;

export const readItemPayload = {
  id: "readItemPayload",
  method: "GET",
  path: "/runs/{id}/tasks/{task}/items/{index}/payload",
  right: "read_run",
  group: GROUP,
  summary: "What the item passed, of a task with `each`",
  params: z.object({ ...runTaskParams.shape, index: itemIndex }),
  headers: rangeHeaders,
  answers: payload,
  problems: ["unknown_run", "unknown_task", "unknown_item", "no_payload", "range_not_satisfiable"],
} satisfies Operation;

export const readTaskLogs = {
  id: "readTaskLogs",
  method: "GET",
  path: "/runs/{id}/tasks/{task}/logs",
  right: "read_run",
  group: GROUP,
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
    200: {
      description: "A page of the lines, oldest first",
      document: named(
        "Logs",
        z.object({
          logs: z.array(
            z.object({
              at: time,
              attempt: z.int(),
              level: z.enum(["info", "warn", "error"]),
              message: z.string(),
              fields: z.record(z.string(), anyJson).nullable(),
            }),
          ),
          dropped: z.int().describe("Lines beyond what an attempt may log"),
          next_cursor: nextCursor,
        }),
      ),
    },
  },
  problems: ["unknown_run", "unknown_task", "unknown_item"],
} satisfies Operation;
