/**
 * Dead letters: what could not be processed, recorded in the payload bucket with its reason, for a person to read. Two ways
 * lead here: a consumer cannot understand a message, or a queue has given a message up and put it on `peach-dead-letters`.
 *
 * A message is acknowledged only after its record is stored. Its key follows from the message, so a second delivery writes
 * the same record again. A given-up run message is only evidence: the run's own alarm finds the run again.
 */
import { parseR2Notification } from "./r2-notification.ts";
import { parseRunMessage } from "./run-message.ts";
import { handleEach } from "./queue-retry.ts";

/** What `dead-letters/<ISO time>-<id>.json` holds. */
export interface DeadLetter {
  /** The queue's id of the message. */
  readonly id: string;
  /** The queue that it was sent to. */
  readonly queue: string;
  readonly reason: string;
  readonly body: unknown;
  /** Deliveries seen by the consumer that recorded it. */
  readonly attempts: number;
  /** When it was sent. ISO 8601. */
  readonly first_seen: string;
}

const PREFIX = "dead-letters/";

/** Records a message that cannot be processed. Rejects if R2 fails: then the message must not be acknowledged. */
export async function recordDeadLetter(
  env: Env,
  queue: string,
  message: Message<unknown>,
  reason: string,
): Promise<void> {
  const first_seen = message.timestamp.toISOString();
  const letter: DeadLetter = {
    id: message.id,
    queue,
    reason,
    body: readable(message.body),
    attempts: message.attempts,
    first_seen,
  };
  await env.PAYLOADS.put(`${PREFIX}${first_seen}-${message.id}.json`, JSON.stringify(letter), {
    httpMetadata: { contentType: "application/json" },
  });
  console.error(JSON.stringify({ message: "dead letter", ...letter }));
}

/** A queue carries more than JSON can say. Such a body is none of ours, and is recorded as text. */
function readable(body: unknown): unknown {
  try {
    return JSON.stringify(body) === undefined ? String(body) : body;
  } catch {
    return String(body);
  }
}

/** The consumer of `peach-dead-letters`. */
export async function consumeDeadLetters(batch: MessageBatch, env: Env): Promise<void> {
  await handleEach(batch, async (message) => {
    const origin = originOf(message.body);
    await recordDeadLetter(env, origin, message, `Given up after all its deliveries on ${origin} had failed.`);
    message.ack();
  });
}

/** The queue a given-up message came from: the platform does not say, its shape does. */
function originOf(body: unknown): string {
  if ("runId" in parseRunMessage(body)) return "peach-runs";
  if ("notification" in parseR2Notification(body)) return "peach-r2-events";
  return "an unknown queue";
}
