/** Which runs a list, a count or a call for many runs is about. */
import { taskName } from "../../contract/values.ts";
import type { Plan } from "../../domain/plan/plan.ts";
import type { Problem } from "../../domain/problem.ts";
import { RUN_STATUSES, type RunStatus } from "../../domain/statuses.ts";
import { TRIGGER_SOURCES, type TriggerSource } from "../../domain/trigger.ts";
import { type RunQuery, listedTasks } from "../../objects/catalog/catalog-client.ts";
import { unknownTask } from "../../triggers/accept.ts";
import { listOf, timeParameter } from "./parameters.ts";

/** Which runs are asked for; one that is left out does not matter. */
export const runFilter = {
  task: taskName.optional().describe("The root task"),
  status: listOf(RUN_STATUSES).optional().describe("One or several, comma separated"),
  source: listOf(TRIGGER_SOURCES).optional().describe("One or several, comma separated"),
  created_after: timeParameter.optional().describe("Only runs created then or later"),
  created_before: timeParameter.optional().describe("Only runs created before"),
} as const;

/** As the query of a call has it. */
export interface FilterParameters {
  readonly task?: string | undefined;
  readonly status?: RunStatus[] | undefined;
  readonly source?: TriggerSource[] | undefined;
  readonly created_after?: number | undefined;
  readonly created_before?: number | undefined;
}

/** The filter in the words of the catalog; without a property, it asks for all runs. */
export function queryOf({
  task,
  status,
  source,
  created_after,
  created_before,
}: FilterParameters): RunQuery {
  return {
    ...(task !== undefined && { task }),
    ...(status !== undefined && { statuses: status }),
    ...(source !== undefined && { sources: source }),
    ...(created_after !== undefined && { createdAfter: created_after }),
    ...(created_before !== undefined && { createdBefore: created_before }),
  };
}

/** The refusal of a task that there never was. Tasks that peach.conf has no more may still have runs. */
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

/** The refusal of a cursor. */
export const WRONG_CURSOR: Problem = {
  code: "invalid_request",
  detail: "The query `cursor` is none that was answered.",
  hint: "Send the `next_cursor` of the page before, or none for the newest runs.",
  errors: [{ path: "query.cursor", message: "is no next_cursor" }],
};
