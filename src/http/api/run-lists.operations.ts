/** The calls about many runs. */
import { z } from "zod";
import { RUN_PROBLEMS } from "../../domain/run/summary.ts";
import { RUN_STATUSES, type RunStatus } from "../../domain/statuses.ts";
import { TRIGGER_SOURCES } from "../../domain/trigger.ts";
import {
  cursor,
  idempotencyKey,
  limitOf,
  listOf,
  named,
  nextCursor,
  runId,
  runReference,
  taskName,
  time,
  timeParameter,
} from "./schemas.ts";
import type { Operation } from "../openapi/operation.ts";

const GROUP = "Runs";

/** Which runs are asked for; one that is left out does not matter. */
export const runFilter = {
  task: taskName.optional().describe("The root task"),
  status: listOf(RUN_STATUSES).optional().describe("One or several, comma separated"),
  source: listOf(TRIGGER_SOURCES).optional().describe("One or several, comma separated"),
  created_after: timeParameter.optional().describe("Only runs created then or later"),
  created_before: timeParameter.optional().describe("Only runs created before"),
} as const;

const keyFilter = {
  ...runFilter,
  idempotency_key: idempotencyKey
    .optional()
    .describe("The run that the caller has started with this key; needs `task`"),
} as const;

const runSummary = named(
  "RunSummary",
  z.object({
    run_id: runId,
    task: taskName.describe("The root task"),
    status: z.enum(RUN_STATUSES),
    source: z.enum(TRIGGER_SOURCES),
    by: z.string().describe("The token's name, the endpoint, the task, the object"),
    parent: runReference.nullable(),
    created_at: time,
    started_at: time.nullable(),
    finished_at: time.nullable(),
    duration_ms: z.number().nullable(),
    failed_tasks: z.array(taskName).describe("The first twenty"),
    problem: z
      .enum(RUN_PROBLEMS)
      .optional()
      .describe(
        "It cannot be read now, and does not go on: the rest is what it told last. Absent: it can",
      ),
  }),
);

const runCounts = z.object({
  queued: z.int(),
  running: z.int(),
  succeeded: z.int(),
  failed: z.int(),
  cancelled: z.int(),
} satisfies Record<RunStatus, z.ZodType>);

export const listRuns = {
  id: "listRuns",
  method: "GET",
  path: "/runs",
  right: "read",
  group: GROUP,
  summary: "Runs, newest first",
  query: z.strictObject({ ...keyFilter, limit: limitOf(200, 50), cursor: cursor.optional() }),
  answers: {
    200: {
      description:
        "A page. Runs that come meanwhile do not move those of later pages. It may have fewer than `limit` while `next_cursor` is not null",
      document: named("RunList", z.object({ runs: z.array(runSummary), next_cursor: nextCursor })),
    },
  },
  problems: ["unknown_task"],
} satisfies Operation;

export const countRunsOperation = {
  id: "countRuns",
  method: "GET",
  path: "/runs/count",
  right: "read",
  group: GROUP,
  summary: "How many runs there are, by status",
  query: z.strictObject(keyFilter),
  answers: {
    200: {
      description: "The counts",
      document: named("RunCounts", z.object({ counts: runCounts, total: z.int() })),
    },
  },
  problems: ["unknown_task"],
} satisfies Operation;

export const followRuns = {
  id: "followRuns",
  method: "GET",
  path: "/runs/feed",
  right: "read",
  group: GROUP,
  summary:
    "Each run that is created or changes its status, as server-sent events `run` with its summary",
  query: z.strictObject({ task: runFilter.task }),
  headers: z.object({
    "Last-Event-ID": z
      .string()
      .regex(/^\d{1,15}$/, { error: "the id of an event of this feed" })
      .optional()
      .describe("Goes on behind this event, up to an hour later; sent by browsers themselves"),
  }),
  answers: {
    200: {
      description:
        "Ends after a quarter of an hour: connect again. A change may be told twice. `reset`: list anew",
      contentTypes: ["text/event-stream"],
    },
  },
  problems: ["unknown_task"],
} satisfies Operation;
