/** How everybody else reaches the one object that has the schedules, and tells it what is deployed. */
import type { Plan } from "../../domain/plan/plan.ts";
import { schedulesOf } from "../../domain/schedules/due-times.ts";
import { FORMAT_VERSION } from "../../domain/version.ts";
import { callWithRetries } from "../../platform/calls.ts";
import { deployedAt } from "../../platform/deployed-at.ts";
import type { Lifetime } from "../../triggers/accept.ts";
import type { Announcement, SchedulesRpc } from "./schedules-rpc.ts";

const NAME = "schedules";
/** Calls the object, with bounded retries. Rejects when the surroundings keep failing. */
export async function callSchedules<T>(
  env: Env,
  call: (schedules: SchedulesRpc) => Promise<T>,
): Promise<T> {
  return callWithRetries("the object of the schedules", () => call(env.SCHEDULES.getByName(NAME)));
}

/** What runs here, as it is announced. Made at 0: the platform does not say when. */
export function deploymentHere(
  env: Partial<Pick<Env, "CF_VERSION_METADATA">>,
  { version }: Plan,
): Pick<Announcement, "version" | "madeAt"> {
  return { version, madeAt: deployedAt(env) ?? 0 };
}

/** Tells the object which schedules this deployment has. */
export async function syncSchedules(env: Env, plan: Plan): Promise<void> {
  const announced = {
    v: FORMAT_VERSION,
    ...deploymentHere(env, plan),
    schedules: schedulesOf(plan),
  };
  await callSchedules(env, (schedules) => schedules.sync(announced));
}

/**
 * Tells it once in the life of this isolate, beside the first request, so that a deploy takes effect at once and not at the next
 * watchdog. A plan without schedules costs no call: the last one to go is forgotten by the watchdog, but locally, where no
 * watchdog comes.
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
        console.warn(
          JSON.stringify({
            message: "schedules not announced, trying again",
            error: String(error),
          }),
        );
      }),
    );
  };
}
