/**
 * Records dead letters: messages that could not be processed, with their reason, to be read,
 * redriven or deleted by a user. A letter comes from a consumer that cannot process a message, or
 * from a queue that has given a message up and put it on `peach-dead-letters`.
 *
 * A message is acknowledged only after its letter is recorded. The letter's id is derived from the
 * message, so a second delivery is the same letter. A run message that was given up is only
 * evidence: the run's own alarm finds the run again.
 */
import type { DeadLetterReason } from "../domain/dead-letter.ts";
import type { Plan } from "../domain/plan/plan.ts";
import { callDeadLetters, deadLetterIdOf } from "../objects/dead-letters/dead-letters-client.ts";
import { handleEach } from "./queue-retry.ts";
import { parseR2Notification } from "./r2-notification.ts";
import { parseRunMessage } from "./run-message.ts";
import { log } from "../platform/log.ts";

/** A message that cannot be processed, and the reason. */
export interface Unprocessed {
  /** The queue of the message. */
  readonly queue: string;
  readonly reason: DeadLetterReason;
  readonly detail: string;
}

/**
 * Records a message that cannot be processed. Rejects on failure; the message must not be
 * acknowledged then.
 */
export async function recordDeadLetter(
  env: Env,
  { retentionMs }: Pick<Plan, "retentionMs">,
  message: Message<unknown>,
  unprocessed: Unprocessed,
): Promise<void> {
  const { queue } = unprocessed;
  const receivedAt = Date.now();
  const letter = {
    ...unprocessed,
    id: await deadLetterIdOf(queue, message.id),
    body: readable(message.body),
    receivedAt,
    attempts: message.attempts,
    expiresAt: receivedAt + retentionMs,
  };
  await callDeadLetters(env, (letters) => letters.record(letter));
  log("error", "dead letter", letter);
}

/**
 * The body as JSON text. A queue carries values that JSON cannot express; such a body is foreign,
 * and is recorded as a text.
 */
function readable(body: unknown): string {
  try {
    // The declared type is string, but a value unknown to JSON gives undefined.
    const json: string | undefined = JSON.stringify(body);
    return json ?? JSON.stringify(String(body));
  } catch {
    return JSON.stringify(String(body));
  }
}

/** The consumer of `peach-dead-letters`. */
export async function consumeDeadLetters(plan: Plan, batch: MessageBatch, env: Env): Promise<void> {
  await handleEach(batch, async (message) => {
    const queue = originOf(message.body);
    const detail = `All of its deliveries on ${queue} had failed; the worker's log says why.`;
    await recordDeadLetter(env, plan, message, { queue, reason: "given_up", detail });
    message.ack();
  });
}

/** Guesses the original queue from the body: the platform does not name it. */
function originOf(body: unknown): string {
  const message = parseRunMessage(body);
  if ("runId" in message || "newer" in message) return "peach-runs";
  if ("notification" in parseR2Notification(body)) return "peach-r2-events";
  return "an unknown queue";
}
