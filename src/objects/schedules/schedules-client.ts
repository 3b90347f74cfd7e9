/**
 * The client of the one object that holds the schedules. Also announces the deployed schedules to
 * that object.
 */
import type { Plan } from "../../domain/plan/plan.ts";
import { schedulesOf } from "../../domain/schedules/due-times.ts";
import { FORMAT_VERSION } from "../../domain/version.ts";
import { callWithRetries } from "../../platform/calls.ts";
import { deployedAt } from "../../platform/deployment.ts";
import type { Lifetime } from "../../platform/lifetime.ts";
import type { Announcement, SchedulesRpc } from "./schedules-rpc.ts";
import { log } from "../../platform/log.ts";

const NAME = "schedules";
/** Calls the object, with bounded retries. Rejects when all tries fail. */
export async function callSchedules<T>(
  env: Env,
  call: (schedules: SchedulesRpc) => Promise<T>,
): Promise<T> {
  return callWithRetries("the object of the schedules", () => call(env.SCHEDULES.getByName(NAME)));
}

/**
 * The deployment of this code, for an announcement. `madeAt` is 0 where the platform does not tell
 * the time.
 */
export function deploymentHere(
  env: Partial<Pick<Env, "CF_VERSION_METADATA">>,
  { version }: Plan,
): Pick<Announcement, "version" | "madeAt"> {
  return { version, madeAt: deployedAt(env) ?? 0 };
}

/** Announces the schedules of this deployment. */
export async function syncSchedules(env: Env, plan: Plan): Promise<void> {
  const announced = {
    v: FORMAT_VERSION,
    ...deploymentHere(env, plan),
    schedules: schedulesOf(plan),
  };
  await callSchedules(env, (schedules) => schedules.sync(announced));
}

/**
 * Announces once in the life of this isolate, beside the first request, so that a deploy takes
 * effect at once and not at the next watchdog. A plan without schedules costs no call, since the
 * watchdog removes the last schedule; a local deployment has no watchdog and always announces.
 */
export function createAnnouncement(
  plan: Plan,
): (env: Env, lifetime: Pick<Lifetime, "waitUntil">) => void {
  const hasSchedules = schedulesOf(plan).length > 0;
  let isDue = true;
  return (env, lifetime) => {
    if (!isDue || !(hasSchedules || env.PEACH_LOCAL === "1")) return;
    isDue = false;
    lifetime.waitUntil(
      syncSchedules(env, plan).catch((error: unknown) => {
        isDue = true;
        log("warn", "schedules not announced, trying again", { error });
      }),
    );
  };
}
