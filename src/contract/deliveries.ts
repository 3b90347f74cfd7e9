/** Deliveries: requests that came in at endpoints. */
import * as z from "zod";
import { type Json, named } from "./named.ts";
import { nextCursor, runId, taskName, time } from "./values.ts";

/** Runs that the endpoint started. */
const triggeredRuns = z.array(
  z.object({ run_id: runId, task: taskName, deduplicated: z.boolean() }),
);
const reason = z
  .string()
  .nullable()
  .describe("Null: the endpoint has answered; else the code of the problem");

/** A page of deliveries. */
export const deliveriesSchema = named(
  "Deliveries",
  z.object({
    deliveries: z.array(
      z.object({
        id: z.string(),
        at: time,
        duration_ms: z.number(),
        request_id: z.string(),
        method: z.string(),
        url: z.string(),
        headers: z.record(z.string(), z.string()),
        body: z.object({
          size: z.int().nullable(),
          truncated: z.boolean(),
          text: z.string().optional(),
          base64: z.string().optional(),
        }),
        status: z.int(),
        reason,
        sender_id: z.string().nullable(),
        runs: triggeredRuns,
        replay_of: z.string().nullable(),
        refused: z
          .object({
            address: z.string().describe("Of IPv6 a /64; `unknown` where nobody tells"),
            count: z.int().describe("About how many there were"),
            first_at: time,
          })
          .nullable()
          .describe(
            "Stands for all that were refused with this `reason` and came from there; this is the last",
          ),
      }),
    ),
    next_cursor: nextCursor,
  }),
);

/** Answer of a replay. */
export const replayedDeliverySchema = named(
  "ReplayedDelivery",
  z.object({
    id: z.string(),
    replay_of: z.string(),
    status: z.int(),
    reason,
    runs: triggeredRuns,
  }),
);

/** A page of deliveries, newest first. */
export type DeliveryPage = Json<typeof deliveriesSchema>;

/** A request that an endpoint received. */
export type Delivery = DeliveryPage["deliveries"][number];
