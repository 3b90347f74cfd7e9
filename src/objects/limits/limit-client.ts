/** How everybody else reaches the limit objects: a fresh stub for each try, bounded retries. All calls may be made again. */
import type { LimitName } from "../../domain/limits/limit.ts";
import { callWithRetries } from "../../platform/calls.ts";
import type { LimitListRpc } from "./limit-list-rpc.ts";
import { limitObjectName, type LimitRpc } from "./limit-rpc.ts";

/** Calls the object of this limit. Rejects when the surroundings keep failing. */
export function callLimit<T>(
  env: Env,
  name: LimitName,
  call: (limit: LimitRpc) => Promise<T>,
): Promise<T> {
  return callWithRetries("a limit", () => call(env.LIMITS.getByName(limitObjectName(name))));
}

/** Calls the object that lists the limits with a key of this task. */
export function callLimitList<T>(
  env: Env,
  task: string,
  call: (list: LimitListRpc) => Promise<T>,
): Promise<T> {
  return callWithRetries("the list of limits", () => call(env.LIMIT_LISTS.getByName(task)));
}

/** Lists a limit with a key, or strikes it off. */
export async function listLimit(
  env: Env,
  { kind, task, key }: LimitName,
  isThere: boolean,
): Promise<void> {
  if (key !== null) await callLimitList(env, task, (list) => list.note(kind, key, isThere));
}
