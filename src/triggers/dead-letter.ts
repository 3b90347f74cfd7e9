/**
 * Dead letters: what could not be processed, recorded with its reason, for a person to read, redrive or delete. Two ways lead here: a
 * consumer cannot do anything with a message, or a queue has given a message up and put it on `peach-dead-letters`.
 *
 * A message is acknowledged only after its letter is recorded. The id of the letter follows from the message, so a second delivery
 * is the same letter. A given-up run message is only evidence: the run's own alarm finds the run again.
 */
import type { DeadLetterReason } from "../domain/dead-letter.ts";
import type { Plan } from "../domain/plan/plan.ts";
import { callDeadLetters, deadLetterIdOf } from "../objects/dead-letters/dead-letters-client.ts";
import { handleEach } from "./queue-retry.ts";
import { parseR2Notification } from "./r2-notification.ts";
import { parseRunMessage } from "./run-message.ts";

/** Why a message cannot be processed. */
export interface Unprocessed {
  /** The queue that it was sent to. */
  readonly queue: string;
  readonly reason: DeadLetterReason;
  readonly detail: string;
}

/** Records a message that cannot be processed. Rejects if that fails: then the message must not be acknowledged. */
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
  console.error(JSON.stringify({ message: "dead letter", ...letter }));
}

/** As JSON text. A queue carries more than JSON can say; such a body is none of ours, and is recorded as a text. */
function readable(body: unknown): string {
  try {
    // Typed as string, but undefined for what JSON does not know.
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

/** The queue a given-up message came from: the platform does not say, its shape does. */
function originOf(body: unknown): string {
  const message = parseRunMessage(body);
  if ("runId" in message || "newer" in message) return "peach-runs";
  if ("notification" in parseR2Notification(body)) return "peach-r2-events";
  return "an unknown queue";
}
