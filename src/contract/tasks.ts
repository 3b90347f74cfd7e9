/** Deployed tasks. */
import * as z from "zod";
import { STRATEGIES } from "../domain/limits/limit.ts";
import { BACKOFFS, CATCH_UPS, DISPATCHES, ITEM_ERRORS, OVERLAPS } from "../domain/plan/plan.ts";
import { RUN_IFS } from "../domain/run/start-rule.ts";
import { type Json, named } from "./named.ts";
import { r2Rule } from "./r2-rule.ts";
import { anyJson, taskName, time } from "./values.ts";

/** A JSON Schema. */
const jsonSchema = z.record(z.string(), anyJson).describe("A JSON Schema");

/** A deployed task. */
export const taskSchema = named(
  "Task",
  z.object({
    task: taskName,
    method: z
      .string()
      .describe("The exported function, behind `module#` if several files export it"),
    description: z.string().nullable(),
    upstream: z.array(taskName),
    downstream: z.array(taskName),
    on: z.object({ r2: z.array(r2Rule), events: z.array(z.string()) }),
    schedules: z.array(
      z.object({
        cron: z.string(),
        timezone: z.string(),
        overlap: z.enum(OVERLAPS),
        catch_up: z.object({ policy: z.enum(CATCH_UPS), window_ms: z.number().nullable() }),
        payload: anyJson.optional(),
      }),
    ),
    retries: z.object({
      limit: z.int(),
      delay_ms: z.number(),
      backoff: z.enum(BACKOFFS),
      max_delay_ms: z.number(),
      jitter: z.boolean(),
    }),
    timeout_ms: z
      .number()
      .describe("Of one attempt; of an external task, until it must be completed"),
    run_if: z.enum(RUN_IFS),
    each: z
      .object({ max_parallel: z.int(), on_error: z.enum(ITEM_ERRORS) })
      .nullable()
      .describe("Of a task that runs once per item"),
    concurrency: z
      .object({ limit: z.int(), key: z.string().nullable(), strategy: z.enum(STRATEGIES) })
      .nullable()
      .describe("How many attempts run at a time"),
    rate_limit: z
      .object({ limit: z.int(), per_ms: z.number(), key: z.string().nullable() })
      .nullable()
      .describe("How many attempts start in a window"),
    priority: z
      .union([z.int(), z.string()])
      .nullable()
      .describe(
        "Of attempts that wait for one of these, or where the payload has it; null: nothing makes them wait",
      ),
    debounce: z
      .object({
        delay_ms: z.number(),
        key: z.string().nullable(),
        max_wait_ms: z.number().nullable(),
      })
      .nullable()
      .describe(
        "Triggers that come within the delay of one another share one run; it starts at the latest after `max_wait_ms`",
      ),
    external: z
      .boolean()
      .describe("Its method only begins it, and has 25 s; it waits until somebody completes it"),
    dispatch: z.enum(DISPATCHES),
    callable: z.boolean().describe("Whether tokens with the scope `trigger` may trigger it"),
    paused: z
      .object({ by: z.string().describe("The name of the token"), at: time })
      .nullable()
      .describe("Its attempts are held back"),
    input_schema: jsonSchema.nullable().describe("Of a task that is declared with types"),
    output_schema: jsonSchema.nullable(),
  }),
);

/** The deployed tasks. */
export const tasksSchema = named("Tasks", z.object({ tasks: z.array(taskSchema) }));

/** A task as it is deployed. */
export type DeployedTask = Json<typeof taskSchema>;

/** A JSON Schema. */
export type JsonSchema = Json<typeof jsonSchema>;
