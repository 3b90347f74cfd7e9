/**
 * The alarm of an object, as its protocol sees it: what it is set to, and how it is set so that it fires. The platform keeps one time;
 * an alarm at or before now, or at the very time of the one that is being handled, may not fire. The latter happens when the clock was
 * set back, so that what the alarm was for is not due yet.
 */
export class AlarmClock {
  readonly #now: () => number;
  readonly #set: (at: number) => void;
  #at = Number.POSITIVE_INFINITY;
  /** What the alarm that is handled just now was set to. */
  #firing: number | null = null;

  constructor(now: () => number, set: (at: number) => void) {
    this.#now = now;
    this.#set = set;
  }

  /** What it is set to, epoch milliseconds; Infinity: it is not, or nobody knows (after a reset). */
  get at(): number {
    return this.#at;
  }

  /** Whether its handler is at work. */
  get isFiring(): boolean {
    return this.#firing !== null;
  }

  /** The handler begins. `firing`: what the alarm was set to, as far as the platform tells. */
  fires(firing: number | null): void {
    this.#firing = firing ?? this.#at;
    this.#at = Number.POSITIVE_INFINITY;
  }

  /** The handler has ended. */
  handled(): void {
    this.#firing = null;
  }

  /** What it was set to in an earlier life of the object. */
  recover(at: number): void {
    this.#at = at;
  }

  /** It was deleted, with everything else that the object stores. */
  deleted(): void {
    this.#at = Number.POSITIVE_INFINITY;
  }

  /** Sets it to this time, unless it fires sooner anyway. */
  atLatest(at: number): void {
    if (at < this.#at) this.set(at);
  }

  /** Sets it, also to a later time; never for Infinity. Setting it to what it is set to already costs nothing. */
  set(at: number): void {
    if (at === Number.POSITIVE_INFINITY) return;
    const soonest = Math.max(at, this.#now() + 1);
    const alarmAt = soonest === this.#firing ? soonest + 1 : soonest;
    if (alarmAt === this.#at) return;
    this.#at = alarmAt;
    this.#set(alarmAt);
  }
}
