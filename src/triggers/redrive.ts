/**
 * Redrives a dead letter at once, without its queue, so the caller sees the result. A notification
 * of R2 triggers its tasks again with the same keys: existing runs are found, not started twice. A
 * run message wakes its run. Work that a run has given up is repeated by the run itself.
 *
 * Order of writes: first the work, then the letter is removed. If this worker dies in between, the
 * letter remains and another redrive does no harm. A failed redrive keeps the letter, with the new
 * reason.
 */
import type { DeadLetter, DeadLetterReason } from "../domain/dead-letter.ts";
import type { RunId } from "../domain/ids.ts";
import { parseParked } from "../domain/run/parked-entry.ts";
import { callDeadLetters } from "../objects/dead-letters/dead-letters-client.ts";
import { SEND_LIMIT_MS, within } from "../platform/calls.ts";
import type { callRun } from "../objects/run/run-client.ts";
import type { Lifetime } from "../platform/lifetime.ts";
import { triggerNotified, type R2EventDependencies } from "./r2-events.ts";
import { parseR2Notification } from "./r2-notification.ts";
import { parseRunMessage } from "./run-message.ts";

/** Dependencies of redriving in one deployment. */
export interface RedriveDependencies extends R2EventDependencies {
  readonly callRun: typeof callRun;
}

/**
 * The result of a redrive: the runs it started or found, the reason of another failure, or a
 * temporary failure of the infrastructure.
 */
export type Redriven =
  | {
      readonly type: "redriven";
      readonly runs: readonly { readonly runId: RunId; readonly task: string }[];
    }
  | { readonly type: "failed"; readonly reason: DeadLetterReason; readonly detail: string }
  | { readonly type: "overloaded" };

/** Processes the letter again. Removes it on success, or notes the new reason. */
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

/** Makes the run's given-up outbox entries due again, with a fresh count of tries. */
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

/** Sends another message: the run's state decides whether there is work. */
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
