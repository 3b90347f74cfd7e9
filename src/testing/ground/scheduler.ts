/**
 * Virtual time: events in the order of their time, then of their making. Between two events every
 * promise that can go on has gone on (one tick), so a world of promises is as deterministic as its
 * events.
 */
interface Event {
  readonly at: number;
  readonly order: number;
  /** The work of the event; null if called off. */
  happen: (() => void) | null;
}

export class Scheduler {
  /**
   * Milliseconds since the world began. The value never decreases, whatever wall clocks show.
   */
  now = 0;
  /** The number of created events. */
  #made = 0;
  /** The pending events, as a binary heap. */
  readonly #heap: Event[] = [];

  /** Schedules an event. Returns a function that cancels the event. */
  after(ms: number, happen: () => void): () => void {
    const event: Event = { at: this.now + Math.max(0, ms), order: this.#made++, happen };
    this.#push(event);
    return () => {
      event.happen = null;
    };
  }

  /** The time of the next event, in milliseconds since the world began. Infinity without any. */
  get nextAt(): number {
    let [first] = this.#heap;
    while (first !== undefined && first.happen === null) {
      this.#pop();
      [first] = this.#heap;
    }
    return first?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Moves the clock forward to `at`, or to the next event if that comes first. */
  skipTo(at: number): void {
    this.now = Math.max(this.now, Math.min(at, this.nextAt));
  }

  /**
   * Runs events until none is left up to `until`, `limit` events have run, or `afterEach` stops the
   * loop. Returns the number of events.
   */
  async run(
    limit: number,
    afterEach: () => boolean | Promise<boolean>,
    until = Number.POSITIVE_INFINITY,
  ): Promise<number> {
    for (let count = 0; ;) {
      if (until !== Number.POSITIVE_INFINITY && this.nextAt > until) return count;
      const event = count < limit ? this.#pop() : undefined;
      if (event === undefined) return count;
      if (event.happen === null) continue;
      count += 1;
      this.now = event.at;
      event.happen();
      await turn();
      const goesOn = afterEach();
      if (goesOn === false || (goesOn !== true && !(await goesOn))) return count;
    }
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let hole = heap.push(event) - 1;
    while (hole > 0) {
      const up = (hole - 1) >> 1;
      const parent = heap[up];
      if (parent === undefined || !isBefore(event, parent)) break;
      heap[hole] = parent;
      hole = up;
    }
    heap[hole] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let hole = 0;
    for (;;) {
      const left = 2 * hole + 1;
      const [a, b] = [heap[left], heap[left + 1]];
      if (a === undefined) break;
      const [down, child] = b !== undefined && isBefore(b, a) ? [left + 1, b] : [left, a];
      if (isBefore(last, child)) break;
      heap[hole] = child;
      hole = down;
    }
    heap[hole] = last;
    return first;
  }
}

/** Orders events by time, then by creation. */
function isBefore(a: Event, b: Event): boolean {
  return a.at === b.at ? a.order < b.order : a.at < b.at;
}

/** Waits for the next tick. Every promise that can settle has settled then. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}
