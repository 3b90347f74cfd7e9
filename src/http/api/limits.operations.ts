/** The calls about limits. */
import { z } from "zod";
import { LIMIT_KINDS } from "../../domain/limits/limit.ts";
import { named, taskName } from "./schemas.ts";
import type { Operation } from "../openapi/operation.ts";

export const listLimits = {
  id: "listLimits",
  method: "GET",
  path: "/limits",
  right: "read",
  group: "Deployment",
  summary: "The limits of the tasks: slots in use, and attempts that wait",
  answers: {
    200: {
      description:
        "In the order of peach.conf; of those with a key, the first 200 of each task at which there is anything",
      document: named(
        "Limits",
        z.object({
          limits: z.array(
            z.object({
              task: taskName,
              kind: z.enum(LIMIT_KINDS),
              key: z
                .string()
                .nullable()
                .describe(
                  "The value in the payload; null: the limit has no key, or the payload none",
                ),
              limit: z.int(),
              per_ms: z.number().nullable().describe("The window of a rate limit"),
              in_use: z
                .int()
                .describe("Of a rate limit: attempts in the window, and those about to start"),
              waiting: z.int(),
            }),
          ),
        }),
      ),
    },
  },
  problems: [],
} satisfies Operation;
