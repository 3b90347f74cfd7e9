/** Tasks whose resumption this run was notified of in this life of the object. */

/**
 * Greatest age of a driver's list of paused tasks (see pauses-client.ts), plus the time of a call.
 */
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
   * Removes resumed tasks from a driver's list of paused tasks, which may be `PAUSED_KNOWN_MS` old.
   * The task would otherwise be blocked, resumed and sent to such drivers again and again, each
   * time by more drivers.
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
