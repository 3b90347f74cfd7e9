/**
 * Publishes the events of a run to its subscribers. The fan-out is in memory: nothing is written
 * for a subscriber, and each event is serialized once. Events are gathered for a moment and sent
 * only once durable.
 *
 * Subscribers must not slow the run: a commit costs the serialization and no more. A subscriber
 * that cannot take its events is dropped, and reconnects with its last position (see
 * `sse-subscribers.ts`).
 */
import type { Run } from "../../domain/run/state.ts";
import type { RunChange } from "../../domain/run/run-change.ts";
import type { LiveAttempts, AttemptUpdate } from "./live-attempts.ts";
import { changeEvent, endEvent, updateEvents, type RunEvent } from "./public-events.ts";

/**
 * Time for which events are gathered before sending: one more millisecond for each subscriber, so
 * that many subscribers do not cost a run more.
 */
const GATHER_MS = { least: 50, most: 500 } as const;
/** Limit of gathered characters: timers may be late on a busy thread. */
const MAX_GATHERED = 250_000;
/** Interval of pings, so that no proxy takes a silent connection for dead. */
const PING_MS = 15_000;

/**
 * Limit of subscribers. More would cost the object more than it has: a message each for every
 * change, and buffers for slow readers.
 */
const MAX_SUBSCRIBERS = 1_000;
/** Limits of buffered bytes: for one slow subscriber, and for all. The object has 128 MB. */
const MAX_BUFFERED = { one: 1_000_000, all: 32_000_000 } as const;

/** Several events for all subscribers. */
export class Batch {
  readonly events: readonly RunEvent[];
  #bytes: Uint8Array | null = null;
  #message: string | null = null;

  constructor(events: readonly RunEvent[]) {
    this.events = events;
  }

  /** Tells whether the run ends with the batch: no event follows. */
  get hasEnd(): boolean {
    return this.events.at(-1)?.event === "end";
  }

  /** The batch as server-sent events, created once. Consumers that keep the bytes copy them. */
  get bytes(): Uint8Array {
    return (this.#bytes ??= new TextEncoder().encode(this.events.map(textOf).join("")));
  }

  /** The batch as a JSON array, created once. */
  get message(): string {
    return (this.#message ??= `[${this.events.map(jsonOf).join(",")}]`);
  }
}

/** A subscriber of a run, on any kind of connection. */
export interface Subscriber {
  /** Takes events, in order. False: the subscriber cannot take them, and is dropped. */
  send(batch: Batch): boolean;
  /** Tells whether the connection needs pings, which keep the object awake. */
  readonly needsPing: boolean;
  /** Sends an event without meaning. */
  ping(): boolean;
  /** Ends the connection: the run has ended, or the subscriber was dropped. */
  close(): void;
}

export class SubscriberHub {
  readonly #subscribers = new Set<Subscriber>();
  readonly #live: () => LiveAttempts;
  readonly #durable: () => Promise<void>;
  #pending: RunEvent[] = [];
  #pendingSize = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isFlushing = false;
  #pinging: ReturnType<typeof setInterval> | null = null;

  /** `durable` resolves once all commits so far are durable. */
  constructor(live: () => LiveAttempts, durable: () => Promise<void>) {
    this.#live = live;
    this.#durable = durable;
  }

  get hasSubscribers(): boolean {
    return this.#subscribers.size > 0;
  }

  /** Tells whether the limit of subscribers is reached. */
  get isFull(): boolean {
    return this.#subscribers.size >= MAX_SUBSCRIBERS;
  }

  /** Limit of buffered bytes for each slow subscriber. */
  get maxBufferedBytes(): number {
    return Math.min(MAX_BUFFERED.one, MAX_BUFFERED.all / this.#subscribers.size);
  }

  /** Adds a subscriber, who gets all later events. */
  join(subscriber: Subscriber): void {
    this.#sendPending();
    this.#subscribers.add(subscriber);
    if (subscriber.needsPing)
      this.#pinging ??= setInterval(() => this.#each((each) => each.ping()), PING_MS);
  }

  /** Removes a subscriber; the last one flushes pending events. */
  leave(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
    if (this.#pinging !== null && !this.#subscribers.values().some(({ needsPing }) => needsPing)) {
      clearInterval(this.#pinging);
      this.#pinging = null;
    }
    if (!this.hasSubscribers) this.#sendPending();
  }

  /** Publishes a change; `position` is the row of the change in the journal. */
  changed(run: Run, change: RunChange, position: number): void {
    if (!this.hasSubscribers) return;
    this.#publish(
      changeEvent(run, change, position, (ordinal) => this.#live().progressOf(ordinal)),
    );
    if (run.finishedAt !== null) this.#publish(endEvent(run, position));
  }

  /** Publishes an update of a running attempt. */
  attemptUpdated(run: Run, update: AttemptUpdate): void {
    if (this.hasSubscribers) this.#publish(...updateEvents(run, update));
  }

  #publish(...events: readonly RunEvent[]): void {
    this.#pending.push(...events);
    this.#pendingSize += events.reduce((size, { data }) => size + data.length, 0);
    const gatherMs = Math.min(GATHER_MS.most, GATHER_MS.least + this.#subscribers.size);
    if (this.#pendingSize < MAX_GATHERED)
      this.#timer ??= setTimeout(() => void this.#flush(), gatherMs);
    else void this.#flush();
  }

  async #flush(): Promise<void> {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    await this.#durable();
    this.#isFlushing = false;
    this.#sendPending();
  }

  #sendPending(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#pendingSize = 0;
    const events = this.#pending.splice(0);
    if (events.length === 0) return;
    const batch = new Batch(events);
    this.#each((subscriber) => subscriber.send(batch));
    if (!batch.hasEnd) return;
    for (const subscriber of this.#subscribers) this.#drop(subscriber);
  }

  #each(tell: (subscriber: Subscriber) => boolean): void {
    for (const subscriber of this.#subscribers) if (!tell(subscriber)) this.#drop(subscriber);
  }

  #drop(subscriber: Subscriber): void {
    this.leave(subscriber);
    subscriber.close();
  }
}

/** Serializes an event; `data` is JSON already. */
function jsonOf({ id, event, data }: RunEvent): string {
  return `{"id":${id},"event":"${event}","data":${data}}`;
}

function textOf({ id, event, data }: RunEvent): string {
  return `${id === null ? "" : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`;
}
