/**
 * Due times found without any cron library: every minute of two years is looked at on the wall clock of a zone. Daylight saving
 * follows the documented rules, written out once more: an expression that names its times is due once for each, others go by
 * the clock.
 */

/** What an expression says, as predicates. `isInterval`: it has `*` or a step in minutes or hours. */
export interface Expression {
  readonly cron: string;
  readonly isDay: (day: { readonly month: number; readonly day: number; readonly weekday: number }) => boolean;
  readonly isTime: (hour: number, minute: number) => boolean;
  readonly isInterval: boolean;
}

const MINUTE = 60_000;
const DAY = 86_400_000;
/** Offsets change at quarters of an hour only, in the years that are looked at, and not twice a day. */
const GRAIN = 15 * MINUTE;

/** The wall clock of a zone. */
export class Zone {
  readonly #format: Intl.DateTimeFormat;
  /** From when on which offset holds, oldest first. */
  readonly #offsets: { readonly from: number; readonly offset: number }[];

  constructor(name: string, from: number, until: number) {
    this.#format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset", year: "numeric" });
    this.#offsets = [{ from: Number.NEGATIVE_INFINITY, offset: this.#look(from) }];
    for (let day = from; day < until; day += DAY) {
      if (this.#look(day + DAY) === this.#look(day)) continue;
      let at = day;
      while (this.#look(at) === this.#look(day)) at += GRAIN;
      this.#offsets.push({ from: at, offset: this.#look(at) });
    }
  }

  /** Calls with each minute of [from, until), and what the wall clock shows then (as if it were UTC). */
  eachMinute(from: number, until: number, look: (at: number, wall: number) => void): void {
    for (const [index, { from: start, offset }] of this.#offsets.entries()) {
      const end = Math.min(until, this.#offsets[index + 1]?.from ?? until);
      for (let at = Math.max(from, start); at < end; at += MINUTE) look(at, at + offset);
    }
  }

  /** When the offset changes, and by how much. */
  transitions(): { readonly at: number; readonly by: number; readonly before: number }[] {
    return this.#offsets
      .slice(1)
      .map(({ from, offset }, index) => ({ at: from, before: this.#offsets[index]?.offset ?? 0, offset }))
      .map(({ at, before, offset }) => ({ at, by: offset - before, before }));
  }

  #look(at: number): number {
    const text = this.#format.formatToParts(at).find(({ type }) => type === "timeZoneName")?.value ?? "";
    const [, sign = "+", hours = "0", minutes = "0"] = /GMT(?:([+-])(\d\d):(\d\d))?/.exec(text) ?? [];
    return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * MINUTE;
  }
}

/** Due times in [from, until), oldest first. */
export function minuteScan(expression: Expression, zone: Zone, from: number, until: number): number[] {
  const { isDay, isTime, isInterval } = expression;
  const isDue = (wall: number): boolean => {
    const minutes = Math.floor((wall % DAY) / MINUTE);
    if (!isTime(Math.floor(minutes / 60), minutes % 60)) return false;
    const date = new Date(wall);
    return isDay({ month: date.getUTCMonth() + 1, day: date.getUTCDate(), weekday: date.getUTCDay() });
  };
  const due = new Set<number>();
  const seen = new Set<number>();
  zone.eachMinute(from, until, (at, wall) => {
    if (!isDue(wall) || (!isInterval && seen.has(wall))) return;
    seen.add(wall);
    due.add(at);
  });
  for (const { at, by, before } of isInterval ? [] : zone.transitions()) {
    if (by <= 0) continue;
    for (let wall = at + before; wall < at + before + by; wall += MINUTE) if (isDue(wall)) due.add(at);
  }
  return [...due].filter((at) => at >= from && at < until).toSorted((a, b) => a - b);
}
