/** The run queue, held by a test. */
import { createMessageBatch } from "cloudflare:test";
import { env } from "./env.ts";
import { vi } from "vitest";
import type { RunId } from "../../src/domain/ids.ts";
import { plan } from "./deployed.ts";
import { consumeRunMessages } from "../../src/triggers/run-consumer.ts";

/** A queue whose consumers come when the test says. It says of itself what the platform's does. */
export class HeldQueue {
  waiting: { readonly body: unknown; readonly sentAt: number }[] = [];
  sent = 0;
  /** What it says of itself, if that is not the truth. */
  says: (() => Promise<QueueMetrics>) | null = null;
  #received = 0;

  constructor() {
    const queue: Queue = Object.getPrototypeOf(env.RUN_QUEUE);
    vi.spyOn(queue, "sendBatch").mockImplementation(async (messages) => {
      const metadata = { metrics: this.#metrics() };
      for (const { body } of messages) {
        this.waiting.push({ body, sentAt: Date.now() });
        this.sent += 1;
      }
      return { metadata };
    });
    vi.spyOn(queue, "metrics").mockImplementation(() => this.says?.() ?? Promise.resolve(this.#metrics()));
  }

  /** All that waits is received. */
  async deliver(): Promise<void> {
    while (this.waiting.length > 0) await this.deliverBatch(10);
  }

  /** One batch of at most so many messages is received, and no message that comes meanwhile. */
  async deliverBatch(most: number): Promise<void> {
    const messages = this.waiting.splice(0, most).map(({ body, sentAt }) => ({
      id: String((this.#received += 1)),
      timestamp: new Date(sentAt),
      attempts: 1,
      body,
    }));
    const start = (runId: RunId, sentAt: number | null): Promise<void> => env.PEACH_DRIVERS.drive(runId, sentAt);
    await consumeRunMessages(plan, start, createMessageBatch("peach-runs", messages), env);
  }

  #metrics(): QueueMetrics {
    const [oldest] = this.waiting;
    return {
      backlogCount: this.waiting.length,
      backlogBytes: 0,
      ...(oldest !== undefined && { oldestMessageTimestamp: new Date(oldest.sentAt) }),
    };
  }
}
