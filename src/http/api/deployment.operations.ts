/** The calls that say what is deployed, and how it is. */
import { z } from "zod";
import { GRAPH_FORMATS } from "../../domain/plan/graph-drawing.ts";
import { SIGNATURE_SCHEMES } from "../../domain/plan/endpoint-auth.ts";
import { STRATEGIES } from "../../domain/limits/limit.ts";
import {
  BACKOFFS,
  CATCH_UPS,
  DISPATCHES,
  ITEM_ERRORS,
  OVERLAPS,
  R2_ACTIONS,
} from "../../domain/plan/plan.ts";
import { RUN_IFS } from "../../domain/run/start-rule.ts";
import { anyJson, named, taskName, taskParams, time } from "./schemas.ts";
import type { Operation } from "../openapi/operation.ts";

const GROUP = "Deployment";
const jsonSchema = z.record(z.string(), anyJson).describe("A JSON Schema");
const r2Rule = z.object({
  bucket: z.string(),
  prefix: z.string(),
  suffix: z.string(),
  actions: z.array(z.enum(R2_ACTIONS)),
});

const taskDocument = named(
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

export const listTasks = {
  id: "listTasks",
  method: "GET",
  path: "/tasks",
  right: "read",
  group: GROUP,
  summary: "The tasks that are deployed",
  answers: {
    200: {
      description: "In the order of peach.conf",
      document: named("Tasks", z.object({ tasks: z.array(taskDocument) })),
    },
  },
  problems: [],
} satisfies Operation;

export const readTask = {
  id: "readTask",
  method: "GET",
  path: "/tasks/{task}",
  right: "read",
  group: GROUP,
  summary: "One task: its wiring, its rules, the schemas of what it reads and passes",
  params: taskParams,
  answers: { 200: { description: "The task", document: taskDocument } },
  problems: ["unknown_task"],
} satisfies Operation;

export const pauseTask = {
  id: "pauseTask",
  method: "POST",
  path: "/tasks/{task}/pause",
  right: "operate",
  group: GROUP,
  summary: "Holds the task's attempts back, of all runs, until it is resumed; those that run go on",
  params: taskParams,
  answers: { 200: { description: "The task", document: taskDocument } },
  problems: ["unknown_task"],
} satisfies Operation;

export const resumeTask = {
  id: "resumeTask",
  method: "POST",
  path: "/tasks/{task}/resume",
  right: "operate",
  group: GROUP,
  summary: "Starts the attempts that were held back",
  params: taskParams,
  answers: { 200: { description: "The task", document: taskDocument } },
  problems: ["unknown_task"],
} satisfies Operation;

export const readGraph = {
  id: "readGraph",
  method: "GET",
  path: "/graph",
  right: "read",
  group: GROUP,
  summary: "The graph of the tasks, as data or as a drawing in Mermaid or Graphviz",
  query: z.strictObject({
    format: z.enum(GRAPH_FORMATS, { error: `one of ${GRAPH_FORMATS.join(", ")}` }).default("json"),
  }),
  answers: {
    200: {
      description: "The graph",
      document: named(
        "Graph",
        z.object({
          conf_version: z.string(),
          tasks: z.array(
            z.object({
              task: taskName,
              description: z.string().nullable(),
              root: z.boolean().describe("No task is upstream of it"),
              upstream: z.array(taskName),
              downstream: z.array(taskName),
              triggers: z.array(
                z.discriminatedUnion("source", [
                  z.object({ source: z.literal("r2"), ...r2Rule.shape }),
                  z.object({ source: z.literal("event"), event: z.string() }),
                ]),
              ),
            }),
          ),
          endpoints: z.array(
            z.object({
              endpoint: z.string(),
              url: z.string(),
              methods: z.array(z.string()).nullable(),
            }),
          ),
        }),
      ),
      contentTypes: ["text/vnd.mermaid", "text/vnd.graphviz"],
    },
  },
  problems: [],
} satisfies Operation;

export const listEndpoints = {
  id: "listEndpoints",
  method: "GET",
  path: "/endpoints",
  right: "read",
  group: GROUP,
  summary: "The endpoints that are deployed",
  answers: {
    200: {
      description: "In the order of peach.conf",
      document: named(
        "Endpoints",
        z.object({
          endpoints: z.array(
            z.object({
              name: z.string(),
              method: z.string(),
              url: z.string(),
              methods: z.array(z.string()).nullable().describe("Null: any"),
              auth: z.union([
                z.enum(["none", "token"]),
                z.object({
                  signature: z.enum(SIGNATURE_SCHEMES),
                  secret: z.string().optional().describe("The variable that holds it"),
                  topics: z.array(z.string()).optional(),
                  header: z.string().optional(),
                  tolerance_ms: z.number().optional(),
                }),
              ]),
              max_body: z.int().describe("Bytes"),
              timeout_ms: z.number().describe("Of the method, and of the fallback"),
              fallback: z.string().nullable(),
              cors: z.object({ origins: z.array(z.string()) }).nullable(),
              rate_limit: z
                .object({ limit: z.int(), per_ms: z.number(), by: z.string() })
                .nullable()
                .describe("Of one caller"),
              redact: z.array(z.string()).describe("Paths that are not kept of bodies"),
            }),
          ),
        }),
      ),
    },
  },
  problems: [],
} satisfies Operation;

export const readHealth = {
  id: "readHealth",
  method: "GET",
  path: "/health",
  right: "read",
  group: GROUP,
  summary: "How far the queues and the schedules are behind",
  answers: {
    200: {
      description: "What waits",
      document: named(
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
      ),
    },
  },
  problems: [],
} satisfies Operation;

export const readMetrics = {
  id: "readMetrics",
  method: "GET",
  path: "/metrics",
  right: "read",
  group: GROUP,
  summary:
    "Runs, attempts, durations, queues and schedules in figures, in the Prometheus text format",
  answers: { 200: { description: "All families", contentTypes: ["text/plain"] } },
  problems: [],
} satisfies Operation;
