/** Path parameters of calls about one run. */
import type { Context } from "hono";
import { type RunId, parseRunId } from "../../domain/ids.ts";
import type { Problem } from "../../domain/problem.ts";
import type { callRun as CallRunFunction } from "../../objects/run/run-client.ts";
import { unknownTaskOf } from "../../triggers/accept.ts";
import type { HttpEnv } from "../http-env.ts";
import { problemResponse } from "../problem.ts";

type CallRun = typeof CallRunFunction;

/** Parses the id and calls `answer`, or answers 404. */
export async function withRunId(
  c: Context<HttpEnv>,
  { id }: { readonly id: string },
  answer: (runId: RunId) => Promise<Response>,
): Promise<Response> {
  const runId = parseRunId(id);
  return runId === null ? problemResponse(c, unknownRun(id)) : answer(runId);
}

/** Refuses an id without a run, or whose run has been deleted. */
export function unknownRun(id: string): Problem {
  return {
    code: "unknown_run",
    detail: `There is no run "${id}".`,
    hint: "A run's id is `run_` and 26 characters, as its trigger answered; runs are deleted after `retention`.",
  };
}

/** Refuses a task that the run does not have, with the nearest name; null if the run has it. */
export async function refuseUnlessInRun(
  callRun: CallRun,
  env: Env,
  runId: RunId,
  task: string,
): Promise<Problem | null> {
  const document = await callRun(env, runId, (run) => run.describe());
  if (document === null) return unknownRun(runId);
  const names = document.tasks.map((entry) => entry.task);
  if (names.includes(task)) return null;
  return unknownTaskOf(runId, names, task);
}

/** Refuses an index that no item of the task has. */
export function unknownItem(task: string, index: number | undefined): Problem {
  return {
    code: "unknown_item",
    detail: `The task "${task}" has no item ${index ?? 0} in this run.`,
    hint: "GET /api/v1/runs/{id}/tasks/{task}/items lists its items, once what it reads is known.",
  };
}
