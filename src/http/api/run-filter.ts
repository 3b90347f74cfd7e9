/** The filter that lists, counts and bulk calls share. */
import { taskName } from "../../contract/values.ts";
import type { Plan } from "../../domain/plan/plan.ts";
import type { Problem } from "../../domain/problem.ts";
import { RUN_STATUSES } from "../../domain/statuses.ts";
import { TRIGGER_SOURCES } from "../../domain/trigger.ts";
import { type RunQuery, listedTasks } from "../../objects/catalog/catalog-client.ts";
import { unknownTask } from "../../triggers/accept.ts";
import * as z from "zod";
import { listOf, tagsOf, timeParameter } from "./parameters.ts";

/** Statuses of the filter: those of runs, and runs in which something waits. */
const FILTER_STATUSES = [...RUN_STATUSES, "waiting"] as const;

/** A text of an error: as long as the catalog keeps one. */
const errorText = z
  .string()
  .min(1, { error: "a text" })
  .max(600, { error: "at most 600 characters" });

/** Query parameters of the filter. An absent one matches every run. */
export const runFilter = {
  task: taskName.optional().describe("The root task"),
  status: listOf(FILTER_STATUSES)
    .optional()
    .describe("One or several, comma separated; `waiting`: something in the run waits"),
  source: listOf(TRIGGER_SOURCES).optional().describe("One or several, comma separated"),
  tag: tagsOf("Only runs with this tag; repeated: with all of them").optional(),
  late: z
    .boolean({ error: "true or false" })
    .optional()
    .describe("Only runs that were not final by `late_after`; false: only others"),
  created_after: timeParameter.optional().describe("Only runs created then or later"),
  created_before: timeParameter.optional().describe("Only runs created before"),
  failed_task: taskName.optional().describe("Only runs in which this task failed first"),
  error: errorText.optional().describe("Only failed runs with this text in `name: message`"),
  failure: errorText
    .optional()
    .describe("Only failed runs of a group: its `name: message` as `/failures` has them"),
} as const;

/** The parsed parameters. */
export type FilterParameters = z.output<z.ZodObject<typeof runFilter>>;

/** Converts the filter to a query of the catalog; an empty query matches all runs. */
export function queryOf(parameters: FilterParameters): RunQuery {
  const { task, status, source, tag, late, error, failure } = parameters;
  const { created_after, created_before, failed_task } = parameters;
  const statuses = status?.filter((name) => name !== "waiting") ?? [];
  return {
    ...(task !== undefined && { task }),
    ...(statuses.length > 0 && { statuses }),
    ...(status?.includes("waiting") === true && { waiting: true }),
    ...(failed_task !== undefined && { failedTask: failed_task }),
    ...(error !== undefined && { error }),
    ...(failure !== undefined && { failure }),
    ...(source !== undefined && { sources: source }),
    ...(tag !== undefined && { tags: tag }),
    ...(late !== undefined && { late }),
    ...(created_after !== undefined && { createdAfter: created_after }),
    ...(created_before !== undefined && { createdBefore: created_before }),
  };
}

/**
 * Refuses an unknown task; null if it is known. A task that was removed from peach.conf is known
 * while the catalog lists runs of it.
 */
export async function refuseUnknownTask(
  env: Env,
  plan: Plan,
  task: string | undefined,
): Promise<Problem | null> {
  if (
    task === undefined ||
    Object.hasOwn(plan.tasks, task) ||
    (await listedTasks(env)).includes(task)
  )
    return null;
  return unknownTask(Object.keys(plan.tasks), task);
}

/** Refuses a malformed cursor. */
export const WRONG_CURSOR: Problem = {
  code: "invalid_request",
  detail: "The query `cursor` is none that was answered.",
  hint: "Send the `next_cursor` of the page before, or none for the newest runs.",
  errors: [{ path: "query.cursor", message: "is no next_cursor" }],
};
