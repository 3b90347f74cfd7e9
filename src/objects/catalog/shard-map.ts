/**
 * Over how many objects the runs of a busy task are spread. The first object of a task decides it, ahead of time: a split counts for
 * runs created from a time on that lies beyond what it has promised to anybody, so that everybody sends a run to the same object,
 * whenever they ask. Runs stay where they are.
 */
import { fractionOf } from "../../domain/run/retry-delay.ts";
import type { RunPlace } from "../../domain/run/summary.ts";

export interface Split {
  /** Runs created at that time or later are spread so. Epoch milliseconds. */
  readonly since: number;
  readonly shards: number;
}

/** How the runs of a task are spread, as somebody was told. */
export interface Routes {
  readonly splits: readonly Split[];
  /** It holds for runs created before that. */
  readonly until: number;
}

/** How long what was told holds. */
export const ROUTES_HOLD_MS = 60_000;

/** Runs a second of one object; it could take several times as many. */
export const BUSY_RUNS_A_SECOND = 100;
/** Runs kept by one object since its last split; an object may have 10 GB, a run takes about 400 bytes with what it counts. */
export const FULL_RUNS = 3_000_000;
const GROWTH = 4;
const MOST_SHARDS = 64;

/** In which of the task's objects this run is kept; the first is 0. */
export function shardFor(splits: readonly Split[], { createdAt, id }: RunPlace): number {
  const split = splits.findLast(({ since }) => createdAt >= since);
  return split === undefined ? 0 : Math.floor(fractionOf(id) * split.shards);
}

/** How many objects the task has. */
export function shardsOf(splits: readonly Split[]): number {
  return splits.reduce((most, { shards }) => Math.max(most, shards), 1);
}

/** The splits with one more, as soon as it may count; null if there cannot be one now. */
export function splitFurther(splits: readonly Split[], now: number): readonly Split[] | null {
  const last = splits.at(-1) ?? { since: 0, shards: 1 };
  if (last.since > now || last.shards >= MOST_SHARDS) return null;
  return [...splits, { since: now + ROUTES_HOLD_MS + 1, shards: last.shards * GROWTH }];
}
