/**
 * Converts times to places on the axis of a timeline. Pure.
 *
 * The axis shows a window of the run's time. A break, in which nothing happened, has a small fixed
 * width: a run of a second that was retried after an hour still shows its second.
 */
import type { Span } from "./timeline.ts";

/** An axis. Places are shares of its width: 0 is the left end, 1 the right one. */
export interface TimeAxis {
  /** The place of a time; outside of 0 to 1 for a time outside of the window. */
  readonly placeOf: (time: number) => number;
  /** The time at a place. */
  readonly timeAt: (place: number) => number;
  /** The breaks within the window, with the places of their ends. */
  readonly breaks: readonly (Span & { readonly start: number; readonly end: number })[];
  /** About `count` marks at round times since the beginning of the run. */
  readonly marks: (count: number) => readonly { readonly ms: number; readonly place: number }[];
}

/** The width of a break as a share of the time without breaks. */
const BREAK_SHARE = 0.04;

/** Makes the axis of a run. `origin` is the beginning of the run, from which marks count. */
export function timeAxis(origin: number, window: Span, breaks: readonly Span[]): TimeAxis {
  const inside = breaks.flatMap(({ from, to }) => {
    const cut = { from: Math.max(from, window.from), to: Math.min(to, window.to) };
    return cut.to > cut.from ? [cut] : [];
  });
  const cut = inside.reduce((sum, { from, to }) => sum + to - from, 0);
  const kept = Math.max(1, window.to - window.from - cut);
  const width = kept * BREAK_SHARE;
  const whole = kept + inside.length * width;
  const placeOf = (time: number): number => {
    let at = time - window.from;
    for (const { from, to } of inside) {
      if (time <= from) break;
      const passed = Math.min(time, to) - from;
      at += (passed / (to - from)) * width - passed;
    }
    return at / whole;
  };
  const timeAt = (place: number): number => {
    let rest = place * whole;
    let time = window.from;
    for (const { from, to } of inside) {
      const before = from - time;
      if (rest <= before) break;
      if (rest <= before + width) return from + ((rest - before) / width) * (to - from);
      rest -= before + width;
      time = to;
    }
    return time + rest;
  };
  return {
    placeOf,
    timeAt,
    breaks: inside.map((span) => ({ ...span, start: placeOf(span.from), end: placeOf(span.to) })),
    marks: (count) => {
      const step = stepOf(kept, count);
      const marks: { ms: number; place: number }[] = [];
      let from = window.from;
      for (const stretch of [...inside, { from: window.to, to: window.to }]) {
        const first = Math.ceil((from - origin) / step) * step;
        for (let ms = first; origin + ms < stretch.from; ms += step)
          marks.push({ ms, place: placeOf(origin + ms) });
        from = stretch.to;
      }
      return marks;
    },
  };
}

/** Finds a round step for about `count` marks. */
function stepOf(spanMs: number, count: number): number {
  const rough = spanMs / Math.max(1, count);
  return STEPS_MS.find((step) => step >= rough) ?? Math.ceil(rough / DAY_MS) * DAY_MS;
}

/** Milliseconds of a day. */
const DAY_MS = 86_400_000;

/** Steps of an axis, in milliseconds; above the last one a step is a number of whole days. */
const STEPS_MS = [
  1,
  2,
  5,
  10,
  20,
  50,
  100,
  200,
  500,
  1_000,
  2_000,
  5_000,
  10_000,
  15_000,
  30_000,
  60_000,
  120_000,
  300_000,
  600_000,
  900_000,
  1_800_000,
  3_600_000,
  7_200_000,
  14_400_000,
  28_800_000,
  43_200_000,
  DAY_MS,
];

/** The number of items at work in each part of a span, and the failed attempts. */
export interface Density {
  readonly working: readonly number[];
  readonly failed: readonly number[];
}

/** An attempt of an item: its span, and whether it failed. */
export interface ItemSpan extends Span {
  readonly isFailed: boolean;
}

/** Computes the density of items: on average so many were at work in each part. */
export function densityOf(items: readonly ItemSpan[], { from, to }: Span, parts: number): Density {
  const working = Array.from({ length: parts }, () => 0);
  const failed = Array.from({ length: parts }, () => 0);
  const part = Math.max(1, to - from) / parts;
  for (const item of items) {
    const first = Math.max(0, Math.floor((item.from - from) / part));
    const last = Math.min(parts - 1, Math.floor((item.to - from) / part));
    for (let at = first; at <= last; at++) {
      const start = from + at * part;
      const share = (Math.min(item.to, start + part) - Math.max(item.from, start)) / part;
      working[at] = (working[at] ?? 0) + Math.max(0, share);
    }
    if (item.isFailed && last >= 0 && last < parts) failed[last] = (failed[last] ?? 0) + 1;
  }
  return { working, failed };
}
