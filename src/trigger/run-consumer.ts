/**
 * The consumer of `peach-runs`: hands each run to a driver of its own and ends, within milliseconds. It never waits for a task.
 *
 * A message is acknowledged once a driver has started. That is not durable, and need not be: what the message stands for is
 * queued work in the run's state, and the run's alarm sends another message if nobody claims it.
 */
import type { RunId } from "../core/ids.ts";
import type { Plan } from "../core/plan.ts";
import { recordDeadLetter } from "./dead-letter.ts";
import { handleEach } from "./queue-retry.ts";
import { parseRunMessage } from "./run-message.ts";

/** Starts a driver in an invocation of its own, without waiting for it. */
export type StartDriver = (runId: RunId) => Promise<void>;

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
    if ("reason" in parsed)
      await recordDeadLetter(env, plan, message, { queue, reason: "not_understood", detail: parsed.reason });
    else await startDriver(parsed.runId);
    message.ack();
  });
}
