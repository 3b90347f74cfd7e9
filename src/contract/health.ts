/** Health of the deployment. */
import * as z from "zod";
import { type Json, named } from "./named.ts";
import { time } from "./values.ts";

/** Backlogs of queues and schedules. */
export const healthSchema = named(
  "Health",
  z.object({
    status: z
      .enum(["ok", "behind"])
      .describe("`behind`: something has waited for more than five minutes"),
    queues: z.array(
      z.object({
        name: z.string(),
        backlog_count: z.int().nullable().describe("Null: the platform does not say"),
        backlog_bytes: z.int().nullable(),
        oldest_message_at: time.nullable(),
      }),
    ),
    schedules: z.object({
      lag_ms: z.number().describe("How late the latest due time is that nobody looked at"),
    }),
  }),
);

/** Backlogs of queues and schedules. */
export type Health = Json<typeof healthSchema>;
