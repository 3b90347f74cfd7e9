/**
 * A queue of the project in memory, with the limits of the platform. What pipelines send stays in
 * `messages`: a consumer is no part of Peach.
 */

const MAX_MESSAGES = 100;
/** Bytes. */
const MAX_MESSAGE_BYTES = 128_000;
const MAX_BATCH_BYTES = 256_000;
const MAX_DELAY_SECONDS = 86_400;

interface SendOptions {
  readonly delaySeconds?: number;
  readonly contentType?: string;
}

/** A message that a pipeline has sent. */
export interface SentMessage {
  readonly body: unknown;
  /** Epoch milliseconds. */
  readonly sentAt: number;
  readonly delaySeconds: number;
}

/** The producer of one binding. */
export class OutgoingQueue {
  /** The messages in the order of their sending. */
  readonly messages: SentMessage[] = [];
  readonly #now: () => number;

  /** `now`: the clock of the world, epoch milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  async send(body: unknown, options: SendOptions = {}): Promise<void> {
    await this.sendBatch([{ ...options, body }]);
  }

  async sendBatch(
    batch: Iterable<SendOptions & { readonly body: unknown }>,
    options: SendOptions = {},
  ): Promise<void> {
    const messages = Array.from(batch);
    const sizes = messages.map(({ body }) => Buffer.byteLength(JSON.stringify(body) ?? ""));
    if (messages.length > MAX_MESSAGES)
      throw new Error(`a batch holds at most ${MAX_MESSAGES} messages, given ${messages.length}`);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const largest = Math.max(0, ...sizes);
    if (largest > MAX_MESSAGE_BYTES)
      throw new Error(`a message has at most ${MAX_MESSAGE_BYTES} bytes, given ${largest}`);
    if (total > MAX_BATCH_BYTES)
      throw new Error(`a batch has at most ${MAX_BATCH_BYTES} bytes, given ${total}`);
    for (const { body, delaySeconds = options.delaySeconds ?? 0 } of messages) {
      if (!(delaySeconds >= 0 && delaySeconds <= MAX_DELAY_SECONDS))
        throw new RangeError(
          `delaySeconds is from 0 to ${MAX_DELAY_SECONDS}, given ${delaySeconds}`,
        );
      this.messages.push({ body: structuredClone(body), sentAt: this.#now(), delaySeconds });
    }
  }
}
