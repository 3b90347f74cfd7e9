/**
 * `POST /runs/cancel`, `/runs/retry`, `/runs/replay`: changes all runs that match a filter, one
 * page per call.
 *
 * The catalog finds the runs and may lag behind them. Each run decides for itself, and a refused
 * run stops none of the others. A page contains the same runs however often the call is repeated,
 * because places in the list never change.
 */
import type { Context } from "hono";
import * as z from "zod";
import { type BulkResult, bulkResultSchema } from "../../contract/bulk.ts";
import { taskName } from "../../contract/values.ts";
import { actorKey } from "../../domain/actor.ts";
import type { RunId } from "../../domain/ids.ts";
import type { Problem } from "../../domain/problem.ts";
import type { RunSummary } from "../../domain/run/summary.ts";
import { type RunQuery, findRuns } from "../../objects/catalog/catalog-client.ts";
import { log } from "../../platform/log.ts";
import { type ReplayDependencies, createReplayRun } from "../../triggers/replay.ts";
import { type HttpEnv, actorOf } from "../http-env.ts";
import { traceOf } from "../middleware/trace.ts";
import { type Routes, handle } from "../openapi/handle.ts";
import { answer, operation } from "../openapi/operation.ts";
import { problemResponse } from "../problem.ts";
import { cursor, idempotencyKey, limitOf } from "./parameters.ts";
import {
  type FilterParameters,
  WRONG_CURSOR,
  queryOf,
  refuseUnknownTask,
  runFilter,
} from "./run-filter.ts";
import { cursorOf, placeOfCursor } from "./run-summary-document.ts";

const GROUP = "Steering";

/** Query of all three calls. */
const bulkQuery = {
  ...runFilter,
  dry_run: z
    .boolean({ error: "true or false" })
    .default(false)
    .describe("Changes nothing, and says what would be done"),
  limit: limitOf(500, 100),
  cursor: cursor.optional(),
} as const;

/** Answer of all three calls. */
const answers = {
  200: answer("What became of each run of the page", bulkResultSchema),
} as const;

/** `POST /runs/cancel`: cancels matching runs. */
export const cancelRuns = operation("POST /runs/cancel", {
  id: "cancelRuns",
  right: "operate",
  group: GROUP,
  summary: "Cancels the runs that a filter finds; a filter is needed",
  query: z.strictObject({
    ...bulkQuery,
    children: z
      .boolean({ error: "true or false" })
      .default(false)
      .describe("Cancels also the runs that they have triggered"),
  }),
  answers,
  problems: ["unknown_task"],
});

/** `POST /runs/retry`: retries matching runs in place. */
export const retryRuns = operation("POST /runs/retry", {
  id: "retryRuns",
  right: "operate",
  group: GROUP,
  summary: "Retries the runs that a filter finds, in place; a filter is needed",
  query: z.strictObject(bulkQuery),
  answers,
  problems: ["unknown_task"],
});

/**
 * `POST /runs/replay`: starts a new run for each matching run. With an idempotency key, a repeated
 * call starts none twice.
 */
export const replayRuns = operation("POST /runs/replay", {
  id: "replayRuns",
  right: "operate",
  group: GROUP,
  summary: "Replays the runs that a filter finds, each as a new run; a filter is needed",
  query: z.strictObject({
    ...bulkQuery,
    from: taskName.optional().describe("The task to begin with"),
  }),
  headers: z.object({ "Idempotency-Key": idempotencyKey.optional() }),
  answers,
  problems: ["unknown_task"],
});

type BulkRun = BulkResult["runs"][number];

/** Result for one run: the id of a new run, if any, or the problem. */
type Outcome = { readonly newRunId?: RunId } | Problem;

/** The action of a call, applied to each run. */
interface Action {
  /** Result of a run that was changed. */
  readonly done: Exclude<BulkRun["result"], "refused">;
  /**
   * Predicts the refusal of a run from its status in the catalog, for a dry run; null if it would
   * succeed.
   */
  expected(run: RunSummary): Problem["code"] | null;
  /** Changes the run. */
  perform(run: RunId): Promise<Outcome>;
}

/** The filter of a bulk change, and its limits. */
interface BulkParameters extends FilterParameters {
  readonly dry_run: boolean;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** Runs changed at a time: an invocation may have six connections that wait for headers. */
const AT_ONCE = 6;

/** Adds the routes below /api/v1. */
export function bulkRoutes(routes: Routes, dependencies: ReplayDependencies): void {
  const { callRun, plan } = dependencies;
  const replay = createReplayRun(dependencies);

  handle(routes, cancelRuns, (c, { query, reply }) =>
    inBulk(c, query, reply, {
      done: "cancelled",
      expected: ({ finishedAt }) => (finishedAt === null ? null : "run_final"),
      perform: async (runId) => {
        const call = crypto.randomUUID();
        const answer = await callRun(c.env, runId, (run) =>
          run.cancel({ children: query.children, call, by: actorKey(c.get("caller")) }),
        );
        if (answer === null) return gone(runId);
        return answer.cancelled
          ? {}
          : refusal("run_final", `It has ended already: it is ${answer.document.status}.`);
      },
    }),
  );
  handle(routes, retryRuns, (c, { query, reply }) =>
    inBulk(c, query, reply, {
      done: "retried",
      expected: ({ finishedAt, status }) =>
        finishedAt === null ? "run_not_final" : status === "succeeded" ? "nothing_to_retry" : null,
      perform: async (runId) => {
        const call = crypto.randomUUID();
        const answer = await callRun(c.env, runId, (run) =>
          run.retry(call, actorKey(c.get("caller"))),
        );
        if (answer === null) return gone(runId);
        const { outcome, document } = answer;
        return outcome === "retried" ? {} : refusal(outcome, `It is ${document.status}.`);
      },
    }),
  );
  handle(routes, replayRuns, (c, { query, headers, reply }) =>
    inBulk(c, query, reply, {
      done: "replayed",
      expected: () => null,
      perform: async (runId) => {
        const accepted = await replay(c.env, c.executionCtx, {
          runId,
          from: query.from ?? null,
          payload: null,
          idempotencyKey: headers["Idempotency-Key"] ?? null,
          actor: actorOf(c.get("caller")),
          url: new URL(c.req.url).origin,
          ...traceOf(c),
        });
        if (!accepted.ok) return accepted.problem;
        return accepted.value === null ? gone(runId) : { newRunId: accepted.value.runId };
      },
    }),
  );

  /** Checks the query, reads a page of the catalog, and applies the action to its runs. */
  async function inBulk(
    c: Context<HttpEnv>,
    parameters: BulkParameters,
    reply: (status: 200, document: BulkResult) => Response,
    action: Action,
  ): Promise<Response> {
    const filter: RunQuery = queryOf(parameters);
    if (Object.keys(filter).length === 0) return problemResponse(c, NO_FILTER);
    const after = parameters.cursor === undefined ? null : placeOfCursor(parameters.cursor);
    if (parameters.cursor !== undefined && after === null) return problemResponse(c, WRONG_CURSOR);
    const unknown = await refuseUnknownTask(c.env, plan, parameters.task);
    if (unknown !== null) return problemResponse(c, unknown);
    const { runs: found, end } = await findRuns(c.env, filter, after, parameters.limit);
    const dry = parameters.dry_run;
    const runs = await mapInBatches(found, async (run) =>
      describe(run, action, dry ? null : await performed(action, run.id)),
    );
    return reply(200, {
      dry_run: dry,
      matched: runs.length,
      changed: dry ? 0 : runs.filter(({ result }) => result !== "refused").length,
      runs,
      next_cursor: end === null ? null : cursorOf(end),
    });
  }
}

/** Applies the action. An unreachable run counts as refused, and the other runs go on. */
async function performed(action: Action, runId: RunId): Promise<Outcome> {
  try {
    return await action.perform(runId);
  } catch (error) {
    log("warn", "a run of a bulk call failed", { run_id: runId, error });
    return refusal("unavailable", "It cannot be reached now.");
  }
}

/**
 * Formats the result of a run. A null `outcome` stands for a dry run, whose result is predicted.
 */
function describe(run: RunSummary, action: Action, outcome: Outcome | null): BulkRun {
  const { id: run_id, task, status } = run;
  if (outcome === null) {
    const code = action.expected(run);
    return {
      run_id,
      task,
      status,
      ...(code === null ? { result: action.done } : { result: "refused", code }),
    };
  }
  if ("code" in outcome)
    return { run_id, task, status, result: "refused", code: outcome.code, detail: outcome.detail };
  const { newRunId } = outcome;
  return {
    run_id,
    task,
    status,
    result: action.done,
    ...(newRunId !== undefined && { new_run_id: newRunId }),
  };
}

/** Maps items in batches of `AT_ONCE`, in order. */
async function mapInBatches<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for (let first = 0; first < items.length; first += AT_ONCE)
    results.push(...(await Promise.all(items.slice(first, first + AT_ONCE).map(work))));
  return results;
}

/** The result for a run that was deleted between the list and the change. */
function gone(runId: RunId): Problem {
  return refusal("unknown_run", `There is no run "${runId}" any more.`);
}

function refusal(code: Problem["code"], detail: string): Problem {
  return { code, detail, hint: "" };
}

const NO_FILTER: Problem = {
  code: "invalid_request",
  detail:
    "A call for many runs needs a filter: task, status, source, created_after or created_before.",
  hint: "Say which runs are meant; with `dry_run=true` nothing is changed.",
};
