/**
 * The consumer of `peach-runs`: hands each run to a driver of its own and ends within milliseconds.
 * Never waits for a task.
 *
 * A message is acknowledged once its driver has claimed: its work is then leased, or no longer
 * exists. So a consumer takes no more than the run objects and drivers of its isolate can begin;
 * the rest stays in the queue. If a driver has not claimed within a second, its message is
 * acknowledged as well: the driver continues, and if it dies, the run's alarm notices. A message of
 * newer code is returned with a delay: isolates of the newer code may exist already.
 */
import type { RunId } from "../domain/ids.ts";
import type { Plan } from "../domain/plan/plan.ts";
import { recordDeadLetter } from "./dead-letter.ts";
import { handleEach, retryLater } from "./queue-retry.ts";
import { parseRunMessage } from "./run-message.ts";
import { log } from "../platform/log.ts";
import { afterDelay, isOverWithin } from "../platform/patience.ts";

/** The longest wait for the start of a driver, in milliseconds. */
const BEGINNING_MS = 1_000;

/**
 * Starts a driver in an invocation of its own for a message sent at `sentAt` (epoch ms). Null for a
 * repeated delivery, which says nothing about the consumers' lag. Resolves after the first claim.
 */
export type StartDriver = (runId: RunId, sentAt: number | null) => Promise<void>;

/** Starts a driver for each message of a batch. */
export async function consumeRunMessages(
  plan: Plan,
  startDriver: StartDriver,
  batch: MessageBatch,
  env: Env,
): Promise<void> {
  const { queue } = batch;
  await handleEach(batch, async (message) => {
    const parsed = parseRunMessage(message.body);
    if ("newer" in parsed) {
      log("warn", "a run message waits for newer code", { id: message.id, why: parsed.newer });
      return retryLater(message);
    }
    if ("reason" in parsed)
      await recordDeadLetter(env, plan, message, {
        queue,
        reason: "not_understood",
        detail: parsed.reason,
      });
    else
      // Rejects if the driver cannot begin.
      await isOverWithin(
        BEGINNING_MS,
        startDriver(parsed.runId, message.attempts > 1 ? null : message.timestamp.getTime()),
        afterDelay,
      );
    message.ack();
  });
}
