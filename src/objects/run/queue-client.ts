/**
 * What this isolate knows of the run queue, in its memory: how far the consumers have come. It learns for nothing from what passes by:
 * the send time of a message rides with the claim of the driver that it started, and each send is answered with the backlog. Where that
 * is too old, `ask` asks the queue.
 *
 * It may be wrong (the platform calls its metrics approximate) or know nothing: then a message is sent twice, or later than it could
 * be. Nothing depends on it (see domain/queue-progress.ts).
 */
import type { QueueProgress } from "../../domain/queue-progress.ts";

/** What the platform says of a queue. */
export interface QueueBacklog {
  readonly backlogCount: number;
  readonly oldestMessageTimestamp?: Date;
}

/** What is known is believed for so long. */
const KNOWN_MS = 5_000;
/** It is asked for again after this time. */
const FRESH_MS = 1_000;
/** How long the queue is waited for. */
const ANSWER_MS = 2_000;

export class QueueWatch {
  readonly #answerMs: number;
  #progress: QueueProgress | null = null;
  #learntAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(answerMs = ANSWER_MS) {
    this.#answerMs = answerMs;
  }

  /** What is known at `now` (epoch milliseconds); null: nothing that is not too old. */
  progress(now: number): QueueProgress | null {
    return isWithin(this.#learntAt, now, KNOWN_MS) ? this.#progress : null;
  }

  /** A message was received at `now` that was sent at `sentAt`. */
  received(sentAt: number, now: number): void {
    const known = this.progress(now);
    // One that is delivered again is older than what was received since.
    if (known === null || sentAt >= known.deliveredUntil) this.#learn(sentAt, now);
  }

  /** The queue says at `now` what waits in it. */
  told({ backlogCount, oldestMessageTimestamp: oldest }: QueueBacklog, now: number): void {
    if (backlogCount === 0) this.#learn(now, now);
    else if (oldest !== undefined && oldest.getTime() > 0)
      this.#learn(oldest.getTime(), now, backlogCount);
  }

  /** Whether it is worth while to ask: what is known is not fresh, and nobody has just asked. */
  isStale(now: number): boolean {
    return !isWithin(this.#learntAt, now, FRESH_MS) && !isWithin(this.#askedAt, now, FRESH_MS);
  }

  /** What is known once the queue was asked, unless what is known is fresh. Never rejects. `now` is read again after the answer. */
  async ask(read: () => Promise<QueueBacklog>, now: () => number): Promise<QueueProgress | null> {
    if (isWithin(this.#learntAt, now(), FRESH_MS)) return this.#progress;
    this.#askedAt = now();
    const answered = new AbortController();
    const limit = scheduler.wait(this.#answerMs, { signal: answered.signal });
    try {
      const backlog = await Promise.race([read(), limit]);
      if (backlog !== undefined) this.told(backlog, now());
    } catch (error) {
      console.warn(
        JSON.stringify({
          message: "the backlog of the run queue is not known",
          error: String(error),
        }),
      );
    } finally {
      limit.catch(() => undefined);
      answered.abort();
    }
    return this.progress(now());
  }

  #learn(deliveredUntil: number, now: number, waiting?: number): void {
    const lagMs = Math.max(0, now - deliveredUntil);
    this.#progress = { deliveredUntil, lagMs, ...(waiting !== undefined && { waiting }) };
    this.#learntAt = now;
  }
}

/** Also of a clock that was set back. */
function isWithin(at: number, now: number, ms: number): boolean {
  return Math.abs(now - at) <= ms;
}

/** Of this isolate. */
export const queueWatch = new QueueWatch();
