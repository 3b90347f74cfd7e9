/**
 * Trials: who of several suspects runs now. A suspect that has died twice in a row may kill whatever isolate it is in, and objects of
 * several runs share isolates. So the next attempts of such suspects begin one after the other, as far as their pauses let them: whoever
 * dies on trial has no other suspect beside it, and an innocent one that takes a minute is not there each time when another one kills.
 *
 * The docket is kept where all deaths are known (objects/deaths/deaths-object.ts). The one whose attempts have lived for the shortest time is
 * tried first: one that kills at once is over in seconds, and those that work for long are waiting meanwhile. Who is tried has a minute
 * in which nobody else is; a task that takes longer has others beside it then.
 *
 * Nobody waits for its trial for longer than its pause may be: then it begins all the same, and is on the docket as one that is tried.
 * Where the docket cannot be asked there are no trials: each begins at a random time in that span.
 */

/** Before the next attempt of a suspect. Milliseconds. */
export interface Pause {
  /** Drawn by each suspect for itself: when it begins where there are no trials. */
  readonly drawnMs: number;
  /** When it begins at the latest; 0: it is over. */
  readonly mostMs: number;
}

export const NO_PAUSE: Pause = { drawnMs: 0, mostMs: 0 };

/** What a run says of the next attempt of a suspect. Milliseconds. */
export interface Trial extends Pause {
  /** How long those of its attempts have lived that have died, at most. */
  readonly livedMs: number;
  /** How long the next one may take. */
  readonly leaseMs: number;
}

/** A suspect that waits for its trial, or is under way. Times are epoch milliseconds. */
export interface DocketEntry {
  readonly victim: string;
  readonly livedMs: number;
  readonly isBegun: boolean;
  /** When it is struck off, if nobody asks for it again. */
  readonly until: number;
}

/** In the order in which they came. */
export type Docket = readonly DocketEntry[];

/** Who waits asks again before this time is over: it may have died, or be final by another way. */
const ASKS_WITHIN_MS = 15_000;

/** So long nobody else is tried. */
const TRIED_FOR_MS = 60_000;

/** So many are on the docket at most: it is read and written with each question. Others begin after their pauses. */
const MOST = 100;

/** Asks for a trial. `mayBegin`: the attempt may begin now, and is on the docket as under way. */
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

/** It has ended, or died. */
export function strikeOff(docket: Docket, victim: string): Docket {
  return docket.filter((entry) => entry.victim !== victim);
}
