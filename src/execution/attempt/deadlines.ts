/**
 * The timeouts of all attempts of one invocation, on one timer. In a chain, each task ends long
 * before its timeout: setting and clearing a timer for each task was a twentieth of a hop.
 */
export class Deadlines {
  readonly #pending = new Set<Deadline>();
  #timer: { readonly handle: ReturnType<typeof setTimeout>; readonly at: number } | null = null;

  /** Calls `strike` after `timeoutMs`, unless the returned function is called before. */
  set(timeoutMs: number, strike: () => void): () => void {
    const deadline = { at: Date.now() + timeoutMs, strike };
    this.#pending.add(deadline);
    this.#arm(deadline.at);
    return () => this.#pending.delete(deadline);
  }

  /**
   * Clears the timer at the end of the invocation: nothing is pending any more, and a timer would
   * keep an object awake.
   */
  close(): void {
    this.#pending.clear();
    if (this.#timer !== null) clearTimeout(this.#timer.handle);
    this.#timer = null;
  }

  /**
   * Sets the timer to `at`. A timer that is due earlier stays: it looks at all deadlines when it
   * fires.
   */
  #arm(at: number): void {
    if (this.#timer !== null && this.#timer.at <= at) return;
    if (this.#timer !== null) clearTimeout(this.#timer.handle);
    this.#timer = { handle: setTimeout(() => this.#fire(at), Math.max(0, at - Date.now())), at };
  }

  /** Strikes the deadlines up to `firedFor`, even if the clock was set back meanwhile. */
  #fire(firedFor: number): void {
    this.#timer = null;
    const now = Math.max(Date.now(), firedFor);
    let soonest = Number.POSITIVE_INFINITY;
    // Iterates over a copy. With a clock that was set back, a deadline set by a strike would be due
    // at once, and the loop would never end.
    for (const deadline of Array.from(this.#pending)) {
      if (deadline.at > now) soonest = Math.min(soonest, deadline.at);
      else if (this.#pending.delete(deadline)) deadline.strike();
    }
    if (soonest !== Number.POSITIVE_INFINITY) this.#arm(soonest);
  }
}

interface Deadline {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly strike: () => void;
}
