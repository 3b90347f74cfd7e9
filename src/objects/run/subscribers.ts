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
import type { LiveAttempts, News } from "./live-attempts.ts";
import { changeEvent, endEvent, newsEvents, type RunEvent } from "./public-events.ts";

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
const MOST_LISTENERS = 1_000;
/** Limits of buffered bytes: for one slow subscriber, and for all. The object has 128 MB. */
const MOST_HELD = { one: 1_000_000, all: 32_000_000 } as const;

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
export interface AudienceMember {
  /** Takes events, in order. False: the subscriber cannot take them, and is dropped. */
  hear(batch: Batch): boolean;
  /** Tells whether the connection needs pings, which keep the object awake. */
  readonly isPinged: boolean;
  /** Sends an event without meaning. */
  ping(): boolean;
  /** Ends the connection: the run has ended, or the subscriber was dropped. */
  close(): void;
}

export class Audience {
  readonly #listeners = new Set<AudienceMember>();
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

  get isHeard(): boolean {
    return this.#listeners.size > 0;
  }

  /** Tells whether the limit of subscribers is reached. */
  get isFull(): boolean {
    return this.#listeners.size >= MOST_LISTENERS;
  }

  /** Limit of buffered bytes for each slow subscriber. */
  get mostHeld(): number {
    return Math.min(MOST_HELD.one, MOST_HELD.all / this.#listeners.size);
  }

  /** Adds a subscriber, who gets all later events. */
  join(listener: AudienceMember): void {
    this.#send();
    this.#listeners.add(listener);
    if (listener.isPinged)
      this.#pinging ??= setInterval(() => this.#each((each) => each.ping()), PING_MS);
  }

  leave(listener: AudienceMember): void {
    this.#listeners.delete(listener);
    if (this.#pinging !== null && !this.#listeners.values().some(({ isPinged }) => isPinged)) {
      clearInterval(this.#pinging);
      this.#pinging = null;
    }
    if (!this.isHeard) this.#send();
  }

  /** Publishes a change; `position` is the row of the change in the journal. */
  changed(run: Run, change: RunChange, position: number): void {
    if (!this.isHeard) return;
    this.#tell(changeEvent(run, change, position, (ordinal) => this.#live().progressOf(ordinal)));
    if (run.finishedAt !== null) this.#tell(endEvent(run, position));
  }

  /** Publishes an update of a running attempt. */
  heard(run: Run, news: News): void {
    if (this.isHeard) this.#tell(...newsEvents(run, news));
  }

  #tell(...events: readonly RunEvent[]): void {
    this.#pending.push(...events);
    this.#pendingSize += events.reduce((size, { data }) => size + data.length, 0);
    const gatherMs = Math.min(GATHER_MS.most, GATHER_MS.least + this.#listeners.size);
    if (this.#pendingSize < MAX_GATHERED)
      this.#timer ??= setTimeout(() => void this.#flush(), gatherMs);
    else void this.#flush();
  }

  async #flush(): Promise<void> {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    await this.#durable();
    this.#isFlushing = false;
    this.#send();
  }

  #send(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#pendingSize = 0;
    const events = this.#pending.splice(0);
    if (events.length === 0) return;
    const batch = new Batch(events);
    this.#each((listener) => listener.hear(batch));
    if (!batch.hasEnd) return;
    for (const listener of this.#listeners) this.#drop(listener);
  }

  #each(tell: (listener: AudienceMember) => boolean): void {
    for (const listener of this.#listeners) if (!tell(listener)) this.#drop(listener);
  }

  #drop(listener: AudienceMember): void {
    this.leave(listener);
    listener.close();
  }
}

/** Serializes an event; `data` is JSON already. */
function jsonOf({ id, event, data }: RunEvent): string {
  return `{"id":${id},"event":"${event}","data":${data}}`;
}

function textOf({ id, event, data }: RunEvent): string {
  return `${id === null ? "" : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`;
}
