/**
 * Another try for a dead letter, at once and not by its queue, so that who asks for it learns what came of it. A notification of R2
 * triggers its tasks again, by the same keys: what it had triggered already is found, not started twice. A run message has its run
 * looked at again. What a run has given up, it does again by itself.
 *
 * The order: first the work, then the letter is removed. If this worker dies in between, the letter is still there and another redrive
 * does no harm. A redrive that fails leaves the letter, with the reason of now.
 */
import type { DeadLetter, DeadLetterReason } from "../domain/dead-letter.ts";
import type { RunId } from "../domain/ids.ts";
import { parseParked } from "../domain/run/parked-entry.ts";
import { callDeadLetters } from "../objects/dead-letters/dead-letters-client.ts";
import { SEND_LIMIT_MS, within } from "../platform/calls.ts";
import type { callRun } from "../objects/run/run-client.ts";
import type { Lifetime } from "./accept.ts";
import { triggerNotified, type R2EventDependencies } from "./r2-events.ts";
import { parseR2Notification } from "./r2-notification.ts";
import { parseRunMessage } from "./run-message.ts";

export interface RedriveDependencies extends R2EventDependencies {
  readonly callRun: typeof callRun;
}

/** What came of a redrive: the runs that it started or found; or why it failed again; or that the surroundings fail just now. */
export type Redriven =
  | {
      readonly type: "redriven";
      readonly runs: readonly { readonly runId: RunId; readonly task: string }[];
    }
  | { readonly type: "failed"; readonly reason: DeadLetterReason; readonly detail: string }
  | { readonly type: "overloaded" };

/** Tries to process the letter, and removes it or notes why that failed. */
export async function redrive(
  dependencies: RedriveDependencies,
  env: Env,
  lifetime: Lifetime,
  letter: DeadLetter,
): Promise<Redriven> {
  const redriven = await process(dependencies, env, lifetime, JSON.parse(letter.body));
  if (redriven.type === "redriven")
    await callDeadLetters(env, (letters) => letters.remove(letter.id));
  if (redriven.type === "failed") {
    const { reason, detail } = redriven;
    const expiresAt = Date.now() + dependencies.plan.retentionMs;
    await callDeadLetters(env, (letters) =>
      letters.failedAgain(letter.id, { reason, detail, expiresAt }),
    );
  }
  return redriven;
}

async function process(
  dependencies: RedriveDependencies,
  env: Env,
  lifetime: Lifetime,
  body: unknown,
): Promise<Redriven> {
  const parked = parseParked(body);
  if (parked !== null) return payParked(dependencies, env, parked);
  const message = parseRunMessage(body);
  if ("runId" in message) return wakeRun(dependencies, env, message.runId);
  if ("newer" in message)
    return { type: "failed", reason: "not_understood", detail: message.newer };
  const parsed = parseR2Notification(body);
  if ("reason" in parsed) {
    const detail = `It is ${message.reason}\nand ${parsed.reason}`;
    return { type: "failed", reason: "not_understood", detail };
  }
  const { runs, refusals, isOverloaded } = await triggerNotified(
    dependencies,
    env,
    lifetime,
    parsed.notification,
  );
  if (isOverloaded) return { type: "overloaded" };
  if (refusals.length > 0)
    return { type: "failed", reason: "refused", detail: refusals.join("\n") };
  return { type: "redriven", runs };
}

/** What a run has given up is due again, from the first try on. */
async function payParked(
  { callRun }: RedriveDependencies,
  env: Env,
  { runId, id }: { readonly runId: RunId; readonly id: number },
): Promise<Redriven> {
  const isDue = await callRun(env, runId, (run) => run.redrive(id));
  if (isDue === null)
    return { type: "failed", reason: "given_up", detail: `There is no run ${runId} (any more).` };
  return { type: "redriven", runs: [] };
}

/** Another message: it is the run's state that says whether there is work. */
async function wakeRun(
  { callRun }: RedriveDependencies,
  env: Env,
  runId: RunId,
): Promise<Redriven> {
  const run = await callRun(env, runId, (object) => object.describe());
  if (run === null)
    return { type: "failed", reason: "refused", detail: `There is no run ${runId} (any more).` };
  await within(
    SEND_LIMIT_MS,
    "the queue",
    env.RUN_QUEUE.send({ run_id: runId }, { contentType: "json" }),
  );
  return { type: "redriven", runs: [{ runId, task: run.task }] };
}
