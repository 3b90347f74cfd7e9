/**
 * The timeouts of all attempts of one invocation, on one timer. In a chain each task has hardly begun when the next one does, and
 * their timeouts are far away: a timer set and cleared for each was a twentieth of a hop.
 */
export class Deadlines {
  readonly #pending = new Set<Deadline>();
  #timer: { readonly handle: ReturnType<typeof setTimeout>; readonly at: number } | null = null;

  /** Calls `strike` after `timeoutMs`, unless the function that is returned was called before. */
  set(timeoutMs: number, strike: () => void): () => void {
    const deadline = { at: Date.now() + timeoutMs, strike };
    this.#pending.add(deadline);
    this.#arm(deadline.at);
    return () => this.#pending.delete(deadline);
  }

  /** The invocation is over: nothing is pending any more, and a timer would keep an object awake. */
  close(): void {
    this.#pending.clear();
    if (this.#timer !== null) clearTimeout(this.#timer.handle);
    this.#timer = null;
  }

  /** A timer that is due no later than `at` stays: it looks at everything when it fires. */
  #arm(at: number): void {
    if (this.#timer !== null && this.#timer.at <= at) return;
    if (this.#timer !== null) clearTimeout(this.#timer.handle);
    this.#timer = { handle: setTimeout(() => this.#fire(at), Math.max(0, at - Date.now())), at };
  }

  /** What the timer was for has come, even if the clock was set back meanwhile. */
  #fire(firedFor: number): void {
    this.#timer = null;
    const now = Math.max(Date.now(), firedFor);
    let soonest = Number.POSITIVE_INFINITY;
    // Only those that are pending now: a strike that sets another one by a clock that was set back would have it strike at once, for ever.
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
