/**
 * A queue and its consumer: delivery at least once, in no order, with the platform's limits,
 * retries and dead letters. The design does not rely on delivery, so a fault may also lose a
 * message.
 */
import type { Life } from "./life.ts";
import type { Platform } from "./platform.ts";
import { copied, passing } from "./wire.ts";

/** The settings in wrangler.toml. */
export interface QueueSettings {
  readonly name: string;
  readonly maxBatchSize: number;
  readonly maxRetries: number;
  readonly retryDelaySeconds: number;
  /** The queue for messages beyond the retry limit; null drops the messages. */
  readonly deadLetters: Queue | null;
}

const MAX_MESSAGES = 100;
const MAX_BYTES = 128_000;
const MAX_BATCH_BYTES = 256_000;
/** Lifetime of a consumer's invocation, in milliseconds. */
const LIFE_MS = 15 * 60_000;

interface Message {
  readonly id: string;
  readonly body: unknown;
  readonly sentAt: number;
  attempts: number;
}

interface Sent {
  readonly body: unknown;
  readonly delaySeconds?: number;
}

/**
 * Runs the worker's handler in a new life. Resolves at the end of the handler, and rejects with the
 * handler's error.
 */
export type Consume = (life: Life, batch: object) => Promise<unknown>;

export class Queue {
  readonly settings: QueueSettings;
  /** The number of operations: one per 64 KB written, read or deleted. */
  operations = 0;
  readonly #platform: Platform;
  readonly #begin: () => Life;
  readonly #consume: Consume;
  readonly #ready: Message[] = [];
  /** The unacknowledged messages, ready or delayed. */
  readonly #backlog = new Set<Message>();
  #isPumping = false;
  #isStopped = false;
  #messages = 0;

  constructor(platform: Platform, settings: QueueSettings, begin: () => Life, consume: Consume) {
    this.#platform = platform;
    this.settings = settings;
    this.#begin = begin;
    this.#consume = consume;
  }

  /** Receives each sent message, and whether a fault loses the message. */
  taken: (body: unknown, isLost: boolean) => void = () => {};

  /** Stops the consumers until `start`. */
  stop(): void {
    this.#isStopped = true;
    this.#platform.ground.tell(() => `the consumers of ${this.settings.name} stand still`);
  }

  start(): void {
    this.#isStopped = false;
    this.#platform.ground.tell(() => `the consumers of ${this.settings.name} go on`);
    this.#pump();
  }

  /** Returns the binding for a life. */
  boundTo(life: Life): object {
    return {
      send: (body: unknown, options: { readonly delaySeconds?: number } = {}) =>
        this.#send(life, [{ body, ...options }]),
      sendBatch: (messages: Iterable<Sent>, options: { readonly delaySeconds?: number } = {}) =>
        this.#send(
          life,
          Array.from(messages, (message) => ({ ...options, ...message })),
        ),
      metrics: () => this.#ask(life),
    };
  }

  /** Takes a message from outside of the worker, such as a notification of R2. */
  take(body: unknown, delaySeconds = 0): void {
    const { ground, dice } = this.#platform;
    const where = (): string => `${this.settings.name}: ${JSON.stringify(body)}`;
    this.operations += 1;
    const isLost = ground.strikes("message_lost", where);
    this.taken(body, isLost);
    if (isLost) return;
    const message: Message = {
      id: `m${++this.#messages}`,
      body,
      sentAt: ground.wall(),
      attempts: 0,
    };
    const copies = ground.strikes("message_doubled", where) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const late = ground.strikes("message_late", where);
      const inMs = late ? dice.between(2_000, 400_000) : dice.between(5, 300);
      this.#arrives({ ...message }, inMs + delaySeconds * 1_000);
    }
  }

  /** Returns the metrics of the backlog. */
  get metrics(): object {
    const oldest = Math.min(...Array.from(this.#backlog, ({ sentAt }) => sentAt));
    return {
      backlogCount: this.#backlog.size,
      backlogBytes: this.#backlog.size * 40,
      ...(Number.isFinite(oldest) && { oldestMessageTimestamp: new Date(oldest) }),
    };
  }

  #ask(life: Life): Promise<object> {
    const { ground, dice } = this.#platform;
    const { promise, resolve, reject } = Promise.withResolvers<object>();
    life.send(() => {
      const where = (): string => `${life.name}: metrics of ${this.settings.name}`;
      if (ground.strikes("call_hangs", where)) return;
      const fails = ground.strikes("call_lost", where);
      this.#platform.resume(life, dice.between(2, 10), () => {
        if (fails) reject(passing("Network connection lost."));
        else resolve(this.metrics);
      });
    });
    return this.#platform.waiting(promise);
  }

  async #send(life: Life, messages: readonly Sent[]): Promise<object> {
    const { ground, dice } = this.#platform;
    const sizes = messages.map(({ body }) => JSON.stringify(body).length);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    if (
      messages.length > MAX_MESSAGES ||
      sizes.some((size) => size > MAX_BYTES) ||
      total > MAX_BATCH_BYTES
    )
      throw new Error(
        `queue ${this.settings.name} takes no ${messages.length} messages of ${total} bytes`,
      );
    const copies = messages.map(({ body, delaySeconds = 0 }) => ({
      body: copied(body),
      delaySeconds,
    }));
    const { promise, resolve, reject } = Promise.withResolvers<object>();
    life.send(() => {
      this.#platform.after(null, dice.between(1, 5), () => {
        const where = (): string => `${life.name}: ${this.settings.name}`;
        if (ground.strikes("call_hangs", where)) return;
        const fails = ground.strikes("send_failed", where);
        if (!fails || dice.chance(0.5))
          for (const { body, delaySeconds } of copies) this.take(body, delaySeconds);
        this.#platform.resume(life, dice.between(1, 5), () => {
          if (fails) reject(passing("Queue send failed: Too Many Requests"));
          else resolve({ metadata: { metrics: this.metrics } });
        });
      });
    });
    return this.#platform.waiting(promise);
  }

  #arrives(message: Message, inMs: number): void {
    this.#backlog.add(message);
    this.#platform.after(null, inMs, () => {
      this.#ready.push(message);
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#isPumping || this.#isStopped) return;
    this.#isPumping = true;
    this.#platform.after(null, this.#platform.tickMs, () => {
      this.#isPumping = false;
      const batch = this.#ready.splice(0, this.settings.maxBatchSize);
      if (batch.length > 0) this.#deliver(batch);
      if (this.#ready.length > 0) this.#pump();
    });
  }

  #deliver(messages: readonly Message[]): void {
    const platform = this.#platform;
    const { ground, dice } = platform;
    const life = this.#begin();
    const where = (): string => `${life.name} with ${messages.length} messages`;
    for (const message of messages) message.attempts += 1;
    life.onDeath(() => {
      for (const message of messages) this.#again(message, dice.between(1_000, 60_000));
    });
    if (ground.strikes("consumer_killed", where)) return life.kill("killed before it began");
    platform.after(life, LIFE_MS, () => life.kill("its 15 minutes are over"));
    const decisions = new Map<Message, "ack" | { readonly delaySeconds: number }>();
    const { retryDelaySeconds } = this.settings;
    const retry = (message: Message, options: { readonly delaySeconds?: number } = {}): void =>
      void decisions.set(message, { delaySeconds: options.delaySeconds ?? retryDelaySeconds });
    const batch = {
      queue: this.settings.name,
      messages: messages.map((message) => ({
        id: message.id,
        timestamp: new Date(message.sentAt),
        body: copied(message.body),
        attempts: message.attempts,
        ack: () => void decisions.set(message, "ack"),
        retry: (options?: { readonly delaySeconds?: number }) => retry(message, options),
      })),
      ackAll: () => messages.forEach((message) => decisions.set(message, "ack")),
      retryAll: (options?: { readonly delaySeconds?: number }) =>
        messages.forEach((message) => retry(message, options)),
      metadata: { metrics: this.metrics },
    };
    platform.current = life;
    const ended = (otherwise: "ack" | { readonly delaySeconds: number }): void => {
      if (!life.alive) return;
      if (ground.strikes("consumer_killed", where)) return life.kill("killed at its end");
      for (const message of messages) {
        const decision = decisions.get(message) ?? otherwise;
        if (decision === "ack") this.#backlog.delete(message);
        else this.#again(message, decision.delaySeconds * 1_000);
      }
      life.end();
    };
    this.#consume(life, batch).then(
      () => ended("ack"),
      (error: unknown) => {
        platform.thrown(life, "queue", error);
        ended({ delaySeconds: retryDelaySeconds });
      },
    );
  }

  #again(message: Message, inMs: number): void {
    const { maxRetries, deadLetters } = this.settings;
    if (message.attempts <= maxRetries) return this.#arrives(message, inMs);
    this.#backlog.delete(message);
    deadLetters?.take(message.body);
  }
}
