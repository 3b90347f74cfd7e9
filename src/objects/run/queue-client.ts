/**
 * Progress of the run queue's consumers, as known in this isolate's memory. The data is a
 * by-product of regular calls: a driver's claim carries the send time of the message that started
 * the driver, and each send is answered with the backlog. If the data is too old, `ask` requests
 * the backlog.
 *
 * The data may be wrong (the platform calls its metrics approximate) or missing: then a message is
 * sent twice, or later than possible. Correctness never depends on the data (see
 * domain/queue-progress.ts).
 */
import type { QueueProgress } from "../../domain/queue-progress.ts";
import { within } from "../../platform/calls.ts";
import { log } from "../../platform/log.ts";

/** The platform's metrics of a queue. */
export interface QueueBacklog {
  readonly backlogCount: number;
  readonly oldestMessageTimestamp?: Date;
}

/** Age after which the data is ignored. */
const KNOWN_MS = 5_000;
/** Age after which `ask` requests the metrics again. */
const FRESH_MS = 1_000;
/** Time limit of a request. */
const ANSWER_MS = 2_000;

export class QueueWatch {
  readonly #answerMs: number;
  #progress: QueueProgress | null = null;
  #learntAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(answerMs = ANSWER_MS) {
    this.#answerMs = answerMs;
  }

  /** Returns the progress known at `now` (epoch milliseconds); null: nothing recent. */
  progress(now: number): QueueProgress | null {
    return isWithin(this.#learntAt, now, KNOWN_MS) ? this.#progress : null;
  }

  /** Records the receipt at `now` of a message sent at `sentAt`. */
  received(sentAt: number, now: number): void {
    const known = this.progress(now);
    // A redelivered message is older than messages received since.
    if (known === null || sentAt >= known.deliveredUntil) this.#learn(sentAt, now);
  }

  /** Records the backlog that the queue reports at `now`. */
  told({ backlogCount, oldestMessageTimestamp: oldest }: QueueBacklog, now: number): void {
    if (backlogCount === 0) this.#learn(now, now);
    else if (oldest !== undefined && oldest.getTime() > 0)
      this.#learn(oldest.getTime(), now, backlogCount);
  }

  /** Tells whether a request is worthwhile: the data is not fresh, and no request was just made. */
  isStale(now: number): boolean {
    return !isWithin(this.#learntAt, now, FRESH_MS) && !isWithin(this.#askedAt, now, FRESH_MS);
  }

  /**
   * Requests the metrics unless the data is fresh, and returns the progress. Never rejects. `now`
   * is read again after the answer.
   */
  async ask(read: () => Promise<QueueBacklog>, now: () => number): Promise<QueueProgress | null> {
    if (isWithin(this.#learntAt, now(), FRESH_MS)) return this.#progress;
    this.#askedAt = now();
    try {
      this.told(await within(this.#answerMs, "the run queue", read()), now());
    } catch (error) {
      log("warn", "the backlog of the run queue is not known", { error });
    }
    return this.progress(now());
  }

  #learn(deliveredUntil: number, now: number, waiting?: number): void {
    const lagMs = Math.max(0, now - deliveredUntil);
    this.#progress = { deliveredUntil, lagMs, ...(waiting !== undefined && { waiting }) };
    this.#learntAt = now;
  }
}

/** Tolerates a clock that was set back. */
function isWithin(at: number, now: number, ms: number): boolean {
  return Math.abs(now - at) <= ms;
}

/** The progress of this isolate. */
export const queueWatch = new QueueWatch();
