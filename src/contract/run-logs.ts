/** Log lines of a task. */
import * as z from "zod";
import { type Json, named } from "./named.ts";
import { anyJson, nextCursor, time } from "./values.ts";

/** A page of log lines. */
export const logsSchema = named(
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
);

/** A page of log lines, oldest first. */
export type LogPage = Json<typeof logsSchema>;

/** A log line of an attempt. */
export type LogLine = LogPage["logs"][number];
