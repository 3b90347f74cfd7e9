/**
 * `/runs`, `/runs/count`, `/runs/feed`: lists, counts and follows runs, as the catalog knows them.
 * The catalog may lag behind the runs for a moment.
 */
import type { Context } from "hono";
import * as z from "zod";
import { type RunSummary, runCountsSchema, runListSchema } from "../../contract/run-lists.ts";
import { actorKey } from "../../domain/actor.ts";
import { hasFailure, hasTags } from "../../domain/run/summary.ts";
import type { Problem } from "../../domain/problem.ts";
import type { RunStatus } from "../../domain/statuses.ts";
import { apiKey } from "../../domain/trigger-key.ts";
import { countRuns, findRuns, runChanges } from "../../objects/catalog/catalog-client.ts";
import { runIdFor } from "../../triggers/run-id.ts";
import { whileAuthorized } from "../auth/while-authorized.ts";
import type { Needs } from "../dependencies.ts";
import type { HttpEnv } from "../http-env.ts";
import { type Routes, handle } from "../openapi/handle.ts";
import { answer, operation } from "../openapi/operation.ts";
import { problemResponse } from "../problem.ts";
import { cursor, idempotencyKey, limitOf } from "./parameters.ts";
import { CHANGES_A_CALL, feedStream } from "./run-feed-stream.ts";
import {
  type FilterParameters,
  WRONG_CURSOR,
  queryOf,
  refuseUnknownTask,
  runFilter,
} from "./run-filter.ts";
import {
  cursorOf,
  describeSummary,
  placeOfCursor,
  summaryOfDocument,
} from "./run-summary-document.ts";

const GROUP = "Runs";

/** The filter, or one run by its idempotency key. */
const keyFilter = {
  ...runFilter,
  idempotency_key: idempotencyKey
    .optional()
    .describe("The run that the caller has started with this key; needs `task`"),
} as const;

/** `GET /runs`: a page of runs, newest first. */
export const listRuns = operation("GET /runs", {
  id: "listRuns",
  right: "read",
  group: GROUP,
  summary: "Runs, newest first",
  query: z.strictObject({ ...keyFilter, limit: limitOf(200, 50), cursor: cursor.optional() }),
  answers: {
    200: answer(
      "A page. Runs that come meanwhile do not move those of later pages. It may have fewer than `limit` while `next_cursor` is not null",
      runListSchema,
    ),
  },
  problems: ["unknown_task"],
});

/** `GET /runs/count`: runs by status. */
export const countRunsOperation = operation("GET /runs/count", {
  id: "countRuns",
  right: "read",
  group: GROUP,
  summary: "How many runs there are, by status",
  query: z.strictObject(keyFilter),
  answers: {
    200: answer("The counts", runCountsSchema),
  },
  problems: ["unknown_task"],
});

/** `GET /runs/feed`: changes of runs, as server-sent events. */
export const followRuns = operation("GET /runs/feed", {
  id: "followRuns",
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
});

/** A filter that may name the idempotency key of a trigger. */
interface KeyParameters extends FilterParameters {
  readonly idempotency_key?: string | undefined;
}

/** Adds the routes below /api/v1. */
export function runListRoutes(routes: Routes, { plan, callRun }: Needs<"plan" | "callRun">): void {
  handle(routes, listRuns, async (c, { query, reply }) => {
    const after = query.cursor === undefined ? null : placeOfCursor(query.cursor);
    if (query.cursor !== undefined && after === null) return problemResponse(c, WRONG_CURSOR);
    const refusal = await refuseQuery(c.env, query);
    if (refusal !== null) return problemResponse(c, refusal);
    const started = await startedByKey(c, query);
    if (started !== null) return reply(200, { runs: started, next_cursor: null });
    const { runs, end } = await findRuns(c.env, queryOf(query), after, query.limit);
    return reply(200, {
      runs: runs.map(describeSummary),
      next_cursor: end === null ? null : cursorOf(end),
    });
  });
  handle(routes, countRunsOperation, async (c, { query, reply }) => {
    const refusal = await refuseQuery(c.env, query);
    if (refusal !== null) return problemResponse(c, refusal);
    const started = await startedByKey(c, query);
    const counts = started === null ? await countRuns(c.env, queryOf(query)) : countsOf(started);
    return reply(200, {
      counts,
      total: Object.values(counts).reduce((sum, runs) => sum + runs, 0),
    });
  });
  handle(routes, followRuns, async (c, { query, headers }) => {
    const refusal = await refuseQuery(c.env, query);
    if (refusal !== null) return problemResponse(c, refusal);
    const id = headers["Last-Event-ID"];
    const stream = feedStream(
      (since) => runChanges(c.env, query.task, since, CHANGES_A_CALL),
      id === undefined ? null : Number(id),
    );
    return c.body(whileAuthorized(c, followRuns.right, stream), 200, {
      "Content-Type": "text/event-stream",
    });
  });

  /** Refuses an unknown task, or a key without a task. */
  async function refuseQuery(
    env: Env,
    { task, idempotency_key }: KeyParameters,
  ): Promise<Problem | null> {
    if (task === undefined && idempotency_key !== undefined) return KEY_WITHOUT_TASK;
    return refuseUnknownTask(env, plan, task);
  }

  /**
   * Finds the run that the caller started with the key, from the run's own object: the catalog may
   * not have it yet. Null if the query has no key; empty if there is no such run, or the filter
   * excludes it.
   */
  async function startedByKey(
    c: Context<HttpEnv>,
    parameters: KeyParameters,
  ): Promise<RunSummary[] | null> {
    const { env } = c;
    const caller = actorKey(c.get("caller"));
    const { task, idempotency_key } = parameters;
    if (task === undefined || idempotency_key === undefined) return null;
    const runId = await runIdFor(env, task, apiKey(caller, idempotency_key));
    const document = await callRun(env, runId, (run) => run.describe());
    return document === null || !isWanted(parameters, summaryOfDocument(document))
      ? []
      : [summaryOfDocument(document)];
  }
}

/** Applies the filter to a single run. */
function isWanted(parameters: FilterParameters, run: RunSummary): boolean {
  const { status, source, created_after, created_before } = parameters;
  const createdAt = Date.parse(run.created_at);
  return (
    (status?.some((name) => name === run.status || (name === "waiting" && run.waiting)) ?? true) &&
    hasFailure(queryOf(parameters), run.error ?? undefined) &&
    (source?.includes(run.source) ?? true) &&
    hasTags(queryOf(parameters), run.tags) &&
    (parameters.late ?? run.late === true) === (run.late === true) &&
    createdAt >= (created_after ?? Number.NEGATIVE_INFINITY) &&
    createdAt < (created_before ?? Number.POSITIVE_INFINITY)
  );
}

/** Counts runs by status. */
function countsOf(runs: readonly RunSummary[]): Readonly<Record<RunStatus, number>> {
  const counts = { queued: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0 };
  for (const { status } of runs) counts[status] += 1;
  return counts;
}

/** The refusal of a key without its task: keys of two tasks may be equal. */
const KEY_WITHOUT_TASK: Problem = {
  code: "invalid_request",
  detail: "The query `idempotency_key` needs the query `task`: a key belongs to its task.",
  hint: "Send `task` as well.",
  errors: [{ path: "query.idempotency_key", message: "needs `task`" }],
};
