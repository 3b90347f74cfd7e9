/**
 * Tells whoever listens to a run what happens to it. Fan-out in memory: nothing is written for a listener, and what happened is put
 * into words once, however many there are. What comes within a moment is sent together, and only once it is durable.
 *
 * It must not hold up the run: a commit costs its listeners' run the words and no more. A listener that does not take what it is
 * sent is dropped; it comes back and says up to where it has heard (see `event-stream.ts`).
 */
import type { Run, RunChange } from "../../domain/run/state.ts";
import type { LiveAttempts, News } from "./live-attempts.ts";
import { changeEvent, endEvent, newsEvents, type RunEvent } from "./public-events.ts";

/** How long what happens is gathered before it is sent: a millisecond more for each who listens, so that many cost a run no more. */
const GATHER_MS = { least: 50, most: 500 } as const;
/** Characters: a busy thread may leave timers waiting. */
const MAX_GATHERED = 250_000;
/** Silence is broken after this time, so that nothing in between takes the connection for dead. */
const PING_MS = 15_000;

/** More cost their run's object more than it has: a message each for every change, and what is held for the slow. */
const MOST_LISTENERS = 1_000;
/** Held for those who are slow: for one, and for all of them, bytes. The object has 128 MB. */
const MOST_HELD = { one: 1_000_000, all: 32_000_000 } as const;

/** Several events for all listeners. */
export class Batch {
  readonly events: readonly RunEvent[];
  #bytes: Uint8Array | null = null;
  #message: string | null = null;

  constructor(events: readonly RunEvent[]) {
    this.events = events;
  }

  /** Whether the run has ended with them: nothing follows. */
  get hasEnd(): boolean {
    return this.events.at(-1)?.event === "end";
  }

  /** As server-sent events, made once. Whoever keeps them takes a copy. */
  get bytes(): Uint8Array {
    return (this.#bytes ??= new TextEncoder().encode(this.events.map(textOf).join("")));
  }

  /** As a JSON array, made once. */
  get message(): string {
    return (this.#message ??= `[${this.events.map(jsonOf).join(",")}]`);
  }
}

/** Somebody who listens to a run, by whatever connection. */
export interface AudienceMember {
  /** Takes what has happened, in order. False: it cannot take it, and is dropped. */
  hear(batch: Batch): boolean;
  /** Whether its silence has to be broken: that keeps the object awake. */
  readonly isPinged: boolean;
  /** Something that means nothing. */
  ping(): boolean;
  /** Nothing more will come: the run has ended, or the listener was dropped. */
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

  /** `durable` resolves once what was committed so far is. */
  constructor(live: () => LiveAttempts, durable: () => Promise<void>) {
    this.#live = live;
    this.#durable = durable;
  }

  get isHeard(): boolean {
    return this.#listeners.size > 0;
  }

  /** Whether no more may join. */
  get isFull(): boolean {
    return this.#listeners.size >= MOST_LISTENERS;
  }

  /** How much may be held for each who is slow, bytes. */
  get mostHeld(): number {
    return Math.min(MOST_HELD.one, MOST_HELD.all / this.#listeners.size);
  }

  /** From now on the listener hears everything that is new. */
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

  /** The run has changed; `position` is that of the change in the journal. */
  changed(run: Run, change: RunChange, position: number): void {
    if (!this.isHeard) return;
    this.#tell(changeEvent(run, change, position, (ordinal) => this.#live().progressOf(ordinal)));
    if (run.finishedAt !== null) this.#tell(endEvent(run, position));
  }

  /** A running attempt has said something. */
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

/** `data` is JSON already. */
function jsonOf({ id, event, data }: RunEvent): string {
  return `{"id":${id},"event":"${event}","data":${data}}`;
}

function textOf({ id, event, data }: RunEvent): string {
  return `${id === null ? "" : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`;
}
