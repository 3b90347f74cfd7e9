/** Limits of tasks, and their use. */
import * as z from "zod";
import { LIMIT_KINDS } from "../domain/limits/limit.ts";
import { type Json, named } from "./named.ts";
import { taskName } from "./values.ts";

/** Limits with their use. */
export const limitsSchema = named(
  "Limits",
  z.object({
    limits: z.array(
      z.object({
        task: taskName,
        kind: z.enum(LIMIT_KINDS),
        key: z
          .string()
          .nullable()
          .describe("The value in the payload; null: the limit has no key, or the payload none"),
        limit: z.int(),
        per_ms: z.number().nullable().describe("The window of a rate limit"),
        in_use: z
          .int()
          .describe("Of a rate limit: attempts in the window, and those about to start"),
        waiting: z.int(),
      }),
    ),
  }),
);

/** A limit and its use. */
export type LimitState = Json<typeof limitsSchema>["limits"][number];
