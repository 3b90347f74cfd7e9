/**
 * Trials: the order in which suspects start their next attempt. A suspect with two deaths in a row
 * may kill any isolate around it, and objects of several runs share isolates. So the next attempts
 * of such suspects start one after another, within the limits of their delays. A suspect on trial
 * dies without another suspect beside it, and a long innocent task is not hit by every other
 * killer.
 *
 * The docket lives in the object which knows all deaths (objects/deaths/deaths-object.ts). The
 * suspect with the shortest-lived attempts is tried first: an instant killer is finished within
 * seconds, while long tasks wait. A trial is exclusive for a minute; a longer task then gets
 * company.
 *
 * No suspect waits longer than its delay. At the end of the delay the attempt starts anyway and is
 * listed as on trial. Without a reachable docket there are no trials; each suspect starts at a
 * random time within its delay.
 */

/** Delay before the next attempt of a suspect. Milliseconds. */
export interface Pause {
  /** Random start without trials, drawn by each suspect. */
  readonly drawnMs: number;
  /** Latest start; 0 means the delay has passed. */
  readonly mostMs: number;
}

export const NO_PAUSE: Pause = { drawnMs: 0, mostMs: 0 };

/** Request for a trial from a run. Milliseconds. */
export interface Trial extends Pause {
  /** Longest life of the dead attempts. */
  readonly livedMs: number;
  /** Longest duration of the next attempt. */
  readonly leaseMs: number;
}

/** A suspect on the docket, waiting or on trial. Times are epoch milliseconds. */
export interface DocketEntry {
  readonly victim: string;
  readonly livedMs: number;
  readonly isBegun: boolean;
  /** Expiry of the entry without another request. */
  readonly until: number;
}

/** Entries in order of arrival. */
export type Docket = readonly DocketEntry[];

/**
 * A waiting suspect repeats its request within this time. The suspect may be dead, or final by
 * another way.
 */
const ASKS_WITHIN_MS = 15_000;

/** Duration of an exclusive trial. */
const TRIED_FOR_MS = 60_000;

/**
 * Maximum length of the docket, which is read and written by each request. Further suspects start
 * after their delays.
 */
const MOST = 100;

/** Requests a trial. `mayBegin`: the attempt may start now and is listed as on trial. */
export function askTrial(
  docket: Docket,
  victim: string,
  { livedMs, mostMs, leaseMs }: Trial,
  now: number,
): { readonly docket: Docket; readonly mayBegin: boolean } {
  const live = docket.filter(({ until }) => until > now);
  const others = live.filter((entry) => entry.victim !== victim);
  const found = live.findIndex((entry) => entry.victim === victim);
  const place = found < 0 ? live.length : found;
  const isBehind = (other: DocketEntry, nth: number): boolean =>
    nth < place ? other.livedMs > livedMs : other.livedMs >= livedMs;
  const isNext = others.every((other, nth) => !other.isBegun && isBehind(other, nth));
  const mayBegin = mostMs === 0 || live[found]?.isBegun === true || isNext;
  if (others.length >= MOST) return { docket: others, mayBegin: mostMs === 0 };
  const until = now + (mayBegin ? Math.min(TRIED_FOR_MS, leaseMs) : ASKS_WITHIN_MS);
  const entry: DocketEntry = { victim, livedMs, isBegun: mayBegin, until };
  return { docket: live.toSpliced(place, 1, entry), mayBegin };
}

/** Removes a suspect which has ended or died. */
export function strikeOff(docket: Docket, victim: string): Docket {
  return docket.filter((entry) => entry.victim !== victim);
}
