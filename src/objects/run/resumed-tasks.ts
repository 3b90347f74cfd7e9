/** What this run was told of tasks that are not paused any more, in this life of its object. */

/** How old a driver's knowledge of what is paused may be (see controls-client.ts), and the time of its call. */
const PAUSED_KNOWN_MS = 6_000;

export class ResumedTasks {
  readonly #now: () => number;
  readonly #at = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  note(task: string): void {
    this.#at.set(task, this.#now());
  }

  /**
   * The claim without the pauses that a driver still believes in although the task was resumed: what it knows may be as old as
   * `PAUSED_KNOWN_MS`. Else it would be held back, resumed and sent to such drivers again and again, each time by more of them.
   */
  believed<T extends { readonly paused?: readonly string[] }>(claim: T): T {
    if (claim.paused === undefined || this.#at.size === 0) return claim;
    const now = this.#now();
    const isNews = (task: string): boolean => {
      const at = this.#at.get(task);
      return at === undefined || Math.abs(now - at) > PAUSED_KNOWN_MS;
    };
    return { ...claim, paused: claim.paused.filter(isNews) };
  }
}
