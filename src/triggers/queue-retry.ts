import { log } from "../platform/log.ts";
/**
 * Processing of queue batches: concurrent within the platform's limit, with delayed retries when
 * the infrastructure fails.
 */

/**
 * A top-level invocation has six connections that await headers; a seventh would queue behind a
 * slow one.
 */
const MESSAGES_AT_ONCE = 6;
const FIRST_DELAY_SECONDS = 2;
const MAX_DELAY_SECONDS = 600;

/**
 * The delay before the next delivery of a message that was delivered `attempts` times (from 1).
 * Seconds: 2, 4, 8 … up to ten minutes. `jitter` (0 to 1) subtracts up to a half, so that messages
 * that failed together are spread.
 */
export function retryDelaySeconds(attempts: number, jitter: number): number {
  const delay = Math.min(MAX_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** (attempts - 1));
  return Math.ceil(delay * (1 - jitter / 2));
}

/**
 * Handles every message of a batch, six at a time. A message whose handler throws is retried later,
 * without effect on the others. `handle` acknowledges; the queue acknowledges messages left
 * undecided.
 */
export async function handleEach(
  batch: MessageBatch,
  handle: (message: Message<unknown>) => Promise<void>,
): Promise<void> {
  const waiting = batch.messages.values();
  async function work(): Promise<void> {
    // The iterator is shared: each message goes to one worker.
    for (const message of waiting) await handleOne(message);
  }
  async function handleOne(message: Message<unknown>): Promise<void> {
    try {
      await handle(message);
    } catch (error) {
      log("error", "queue message failed, to be retried", {
        queue: batch.queue,
        id: message.id,
        error,
      });
      retryLater(message);
    }
  }
  await Promise.all(Array.from({ length: MESSAGES_AT_ONCE }, work));
}

/** Returns a message to its queue with a delay. */
export function retryLater(message: Message<unknown>): void {
  message.retry({ delaySeconds: retryDelaySeconds(message.attempts, Math.random()) });
}
