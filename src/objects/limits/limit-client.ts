/**
 * The client of the limit objects: a fresh stub for each try, bounded retries. Every call may be
 * retried.
 */
import type { LimitName } from "../../domain/limits/limit.ts";
import { callWithRetries } from "../../platform/calls.ts";
import type { LimitListRpc } from "./limit-list-rpc.ts";
import { limitObjectName, type LimitRpc } from "./limit-rpc.ts";

/** Calls the object of this limit. Rejects when all tries fail. */
export function callLimit<T>(
  env: Env,
  name: LimitName,
  call: (limit: LimitRpc) => Promise<T>,
): Promise<T> {
  return callWithRetries("a limit", () => call(env.LIMITS.getByName(limitObjectName(name))));
}

/** Calls the object that lists the keyed limits of this task. */
export function callLimitList<T>(
  env: Env,
  task: string,
  call: (list: LimitListRpc) => Promise<T>,
): Promise<T> {
  return callWithRetries("the list of limits", () => call(env.LIMIT_LISTS.getByName(task)));
}

/** Adds a keyed limit to the list, or removes the limit from the list. */
export async function listLimit(
  env: Env,
  { kind, task, key }: LimitName,
  isThere: boolean,
): Promise<void> {
  if (key !== null) await callLimitList(env, task, (list) => list.note(kind, key, isThere));
}
