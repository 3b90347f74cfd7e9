/**
 * Due times found without any cron library: every minute of two years is looked at on the wall clock of a zone. Daylight saving
 * follows the documented rules, written out once more: an expression that names its times is due once for each, others go by
 * the clock.
 */

/** What an expression says, as predicates. Hours and minutes as lists, or null for an expression with `*` or a step. */
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

  /** What to add to UTC. */
  offset(at: number): number {
    return this.#offsets.findLast(({ from }) => from <= at)?.offset ?? 0;
  }

  /** When the offset changes, and by how much. */
  transitions(): { readonly at: number; readonly by: number }[] {
    return this.#offsets
      .slice(1)
      .map(({ from, offset }, index) => ({ at: from, by: offset - (this.#offsets[index]?.offset ?? 0) }));
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
  for (let at = from; at < until; at += MINUTE) {
    const wall = at + zone.offset(at);
    if (!isDue(wall) || (!isInterval && seen.has(wall))) continue;
    seen.add(wall);
    due.add(at);
  }
  for (const { at, by } of isInterval ? [] : zone.transitions()) {
    if (by <= 0) continue;
    const before = at + zone.offset(at) - by;
    for (let wall = before; wall < before + by; wall += MINUTE) if (isDue(wall)) due.add(at);
  }
  return [...due].filter((at) => at >= from && at < until).toSorted((a, b) => a - b);
}
