/**
 * The consumer of `peach-runs`: hands each run to a driver of its own and ends, within milliseconds. It never waits for a task.
 *
 * A message is acknowledged once its driver has claimed: then what it stands for is leased, or is no more. So a consumer takes no more
 * than the run objects and drivers of its isolate can begin, and what they cannot stays in the queue. One whose driver has not claimed
 * within a second is acknowledged as well: the driver goes on, and if it dies the run's alarm finds that nobody came.
 * A message of newer code goes back, for later: isolates of that may be there already.
 */
import type { RunId } from "../domain/ids.ts";
import type { Plan } from "../domain/plan/plan.ts";
import { recordDeadLetter } from "./dead-letter.ts";
import { handleEach, retryLater } from "./queue-retry.ts";
import { parseRunMessage } from "./run-message.ts";

/** How long the beginning of a driver is waited for. */
const BEGINNING_MS = 1_000;

/**
 * Starts a driver in an invocation of its own, for a message that was sent then (epoch ms); null: it has come before, and says nothing of
 * how far consumers are. Resolves once it has claimed.
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
      console.warn(
        JSON.stringify({
          message: "a run message waits for newer code",
          id: message.id,
          why: parsed.newer,
        }),
      );
      return retryLater(message);
    }
    if ("reason" in parsed)
      await recordDeadLetter(env, plan, message, {
        queue,
        reason: "not_understood",
        detail: parsed.reason,
      });
    else
      await begun(
        startDriver(parsed.runId, message.attempts > 1 ? null : message.timestamp.getTime()),
      );
    message.ack();
  });
}

/** Rejects if the driver cannot begin. */
async function begun(starting: Promise<void>): Promise<void> {
  const started = new AbortController();
  const limit = scheduler.wait(BEGINNING_MS, { signal: started.signal });
  limit.catch(() => undefined);
  await Promise.race([starting, limit]).finally(() => started.abort());
}
