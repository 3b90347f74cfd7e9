/**
 * The earliest time from `at` on at which an alarm fires. An alarm at or before now may not fire,
 * nor an alarm at the time of the alarm being handled (`firing`). The latter happens after the
 * clock was set back: the work of the alarm is then not due yet. Epoch milliseconds.
 */
export function alarmTime(at: number, now: number, firing: number | null): number {
  const soonest = Math.max(at, now + 1);
  return soonest === firing ? soonest + 1 : soonest;
}

/** Age at which an overdue alarm counts as given up by the platform. Milliseconds. */
const GIVEN_UP_MS = 60_000;

/** The clock and the alarm of the platform. */
export interface AlarmHost {
  /** Epoch milliseconds. */
  now(): number;
  setAlarm(at: number): void;
}

/**
 * The alarm of an object. The platform keeps a single time, set so that the alarm fires
 * (`alarmTime`).
 */
export class AlarmClock {
  readonly #host: AlarmHost;
  #at = Number.POSITIVE_INFINITY;
  /** Scheduled time of the alarm being handled; null outside the handler. */
  #firing: number | null = null;

  constructor(host: AlarmHost) {
    this.#host = host;
  }

  /**
   * Time of the alarm, epoch milliseconds; Infinity without an alarm, after a reset until
   * `recover`, and once the platform has given the alarm up.
   */
  get at(): number {
    return this.#at <= this.#host.now() - GIVEN_UP_MS ? Number.POSITIVE_INFINITY : this.#at;
  }

  /** The handler is running. */
  get isFiring(): boolean {
    return this.#firing !== null;
  }

  /** Notes the start of the handler. `firing`: the scheduled time, if the platform tells. */
  fires(firing: number | null): void {
    this.#firing = firing ?? this.#at;
    this.#at = Number.POSITIVE_INFINITY;
  }

  /** Notes the end of the handler. */
  handled(): void {
    this.#firing = null;
  }

  /** Takes over the alarm of an earlier life of the object. */
  recover(at: number): void {
    this.#at = at;
  }

  /** Notes that the alarm was deleted with all stored data. */
  deleted(): void {
    this.#at = Number.POSITIVE_INFINITY;
  }

  /** Sets the alarm, unless an earlier alarm is set. */
  atLatest(at: number): void {
    if (at < this.at) this.set(at);
  }

  /** Sets the alarm, also to a later time; ignores Infinity. The same time again costs nothing. */
  set(at: number): void {
    if (at === Number.POSITIVE_INFINITY) return;
    const alarmAt = alarmTime(at, this.#host.now(), this.#firing);
    if (alarmAt === this.#at) return;
    this.#at = alarmAt;
    this.#host.setAlarm(alarmAt);
  }
}
