/**
 * Spreads the runs of a busy task over several objects. The first object of the task decides ahead
 * of time: a split applies to runs created after the end of every answer that was given before. All
 * callers therefore send a run to the same object, however old their map is. A run never moves.
 */
import { fractionOf } from "../../domain/run/retry-delay.ts";
import type { RunPlace } from "../../domain/run/summary.ts";

export interface Split {
  /** Start of the split: applies to runs created then or later. Epoch milliseconds. */
  readonly since: number;
  readonly shards: number;
}

/** Splits of a task in the order of time; none: one object holds all runs. */
export type ShardMap = readonly Split[];

/** The shard map of a task, as a caller receives it. */
export interface DatedShardMap {
  readonly shardMap: ShardMap;
  /** The map holds for runs created before this time. Epoch milliseconds. */
  readonly until: number;
}

/** Validity of an answered map. */
export const SHARD_MAP_VALID_MS = 60_000;

/** Rate at which a task splits; one object could take several times as many runs a second. */
export const BUSY_RUNS_A_SECOND = 100;
/**
 * Number of stored runs since the last split at which a task splits. An object may have 10 GB; a
 * run takes about 400 bytes with its counters.
 */
export const FULL_RUNS = 3_000_000;
const GROWTH = 4;
const MAX_SHARDS = 64;

/** The shard of a run; the first shard is 0. */
export function shardFor(shardMap: ShardMap, { createdAt, id }: RunPlace): number {
  const split = shardMap.findLast(({ since }) => createdAt >= since);
  return split === undefined ? 0 : Math.floor(fractionOf(id) * split.shards);
}

/** The number of shards of the task. */
export function shardsOf(shardMap: ShardMap): number {
  return shardMap.reduce((most, { shards }) => Math.max(most, shards), 1);
}

/** Adds a split at the earliest time that is safe; null if no split is possible now. */
export function splitFurther(shardMap: ShardMap, now: number): ShardMap | null {
  const last = shardMap.at(-1) ?? { since: 0, shards: 1 };
  if (last.since > now || last.shards >= MAX_SHARDS) return null;
  return [...shardMap, { since: now + SHARD_MAP_VALID_MS + 1, shards: last.shards * GROWTH }];
}
