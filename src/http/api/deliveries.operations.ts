/** The calls about endpoints. */
import { z } from "zod";
import { KEPT_DELIVERIES } from "../../domain/delivery.ts";
import { limitOf, named, nextCursor, numberedCursor, runId, taskName, time } from "./schemas.ts";
import type { Operation } from "../openapi/operation.ts";

const GROUP = "Endpoints";
const endpointParams = z.object({ endpoint: z.string().describe("The endpoint's name") });

const triggeredRuns = z.array(
  z.object({ run_id: runId, task: taskName, deduplicated: z.boolean() }),
);
const reason = z
  .string()
  .nullable()
  .describe("Null: the endpoint has answered; else the code of the problem");

export const listDeliveries = {
  id: "listDeliveries",
  method: "GET",
  path: "/endpoints/{endpoint}/deliveries",
  right: "read",
  group: GROUP,
  summary: "What came in at the endpoint lately, newest first",
  params: endpointParams,
  query: z.strictObject({
    limit: limitOf(KEPT_DELIVERIES, 20),
    cursor: numberedCursor.optional(),
    refused: z
      .enum(["true", "false"])
      .optional()
      .describe(
        "Only those that were refused before the endpoint was called, or only the others; without it, both",
      ),
  }),
  answers: {
    200: {
      description: "A page of deliveries",
      document: named(
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
      ),
    },
  },
  problems: ["unknown_endpoint"],
} satisfies Operation;

export const replayDelivery = {
  id: "replayDelivery",
  method: "POST",
  path: "/endpoints/{endpoint}/deliveries/{id}/replay",
  right: "operate",
  group: GROUP,
  summary: "Calls the endpoint again with what was kept, without its `auth`",
  params: z.object({ ...endpointParams.shape, id: z.string().describe("The delivery's id") }),
  answers: {
    202: {
      description: "What came of it",
      document: named(
        "ReplayedDelivery",
        z.object({
          id: z.string(),
          replay_of: z.string(),
          status: z.int(),
          reason,
          runs: triggeredRuns,
        }),
      ),
    },
  },
  problems: ["unknown_endpoint", "unknown_delivery", "delivery_not_whole"],
} satisfies Operation;
