/**
 * Limit keys of wide arrays, stored as bytes beside the journal entry: the keys of ten thousand
 * items would make an entry of megabytes. In memory a run has the keys themselves; the stored form
 * has only their location.
 */
import { isKeyList, type LimitKeys, type PayloadLimitKeys } from "../limits/limit.ts";
import type { LogRef } from "./attempt.ts";
import type { RunChange } from "./run-change.ts";
import type { RunGenesis } from "./state.ts";
import type { TaskOutput, TaskState } from "./task-state.ts";

/** Location of bytes in the data of a journal row. */
export type Place = Pick<LogRef, "seq" | "offset" | "size">;

/** Stored reference to a list of keys. */
export interface KeysElsewhere extends LimitKeys {
  readonly lie: readonly Place[];
}

/** Mapping between a list of keys and its reference. */
export type MapKeys = (keys: PayloadLimitKeys) => PayloadLimitKeys;

/** Distinguishes a reference from keys. */
export function lieElsewhere(keys: PayloadLimitKeys): keys is KeysElsewhere {
  return !isKeyList(keys) && "lie" in keys;
}

/** Maps the lists of keys in a change. A change without lists is returned unchanged. */
export function withChangeKeys<Change extends RunChange>(change: Change, map: MapKeys): Change {
  const hasOwn = change.limitKeys !== undefined;
  if (!hasOwn && !change.tasks.some(({ state }) => hasKeys(state))) return change;
  return {
    ...change,
    tasks: change.tasks.map((task) =>
      hasKeys(task.state) ? { ...task, state: withStateKeys(task.state, map) } : task,
    ),
    ...(change.limitKeys !== undefined && { limitKeys: map(change.limitKeys) }),
  };
}

/** Maps the lists of keys in a genesis. */
export function withGenesisKeys<Genesis extends Pick<RunGenesis, "limitKeys" | "recorded">>(
  genesis: Genesis,
  map: MapKeys,
): Genesis {
  const { limitKeys, recorded } = genesis;
  if (limitKeys === undefined && recorded === undefined) return genesis;
  return {
    ...genesis,
    ...(limitKeys !== undefined && { limitKeys: map(limitKeys) }),
    ...(recorded !== undefined && {
      recorded: recorded.map((input) =>
        input.limitKeys === undefined ? input : { ...input, limitKeys: map(input.limitKeys) },
      ),
    }),
  };
}

/** Maps the lists of keys in a state. */
export function withStateKeys(state: TaskState, map: MapKeys): TaskState {
  return state.status === "succeeded"
    ? { ...state, passed: withOutputKeys(state.passed, map) }
    : state;
}

function withOutputKeys(passed: TaskOutput, map: MapKeys): TaskOutput {
  if (passed.limitKeys === undefined) return passed;
  const mapped = Object.entries(passed.limitKeys).map(
    ([child, keys]) => [child, map(keys)] as const,
  );
  return { ...passed, limitKeys: Object.fromEntries(mapped) };
}

function hasKeys(state: TaskState): boolean {
  return state.status === "succeeded" && state.passed.limitKeys !== undefined;
}

/** Number of items per written piece. */
const PIECE = 2_000;

/** Writes a list as texts, one column per kind of key. */
export function writeKeys(keys: readonly LimitKeys[]): string[] {
  const pieces: string[] = [];
  for (let from = 0; from < Math.max(1, keys.length); from += PIECE) {
    const part = keys.slice(from, from + PIECE);
    const columns: Columns = [
      part.map(({ concurrency }) => concurrency ?? null),
      part.map(({ rate_limit: rate }) => rate ?? null),
      part.map(({ priority }) => priority ?? null),
    ];
    pieces.push(
      JSON.stringify(
        columns.map((column) => (column.every((one) => one === null) ? part.length : column)),
      ),
    );
  }
  return pieces;
}

/** Reads a written list. */
export function readKeys(pieces: readonly string[]): LimitKeys[] {
  return pieces.flatMap((piece) => {
    const [concurrency, rate, priority] = parseColumns(piece);
    return concurrency.map((key, index): LimitKeys => {
      const [rateKey, points] = [rate[index], priority[index]];
      return {
        ...(typeof key === "string" && { concurrency: key }),
        ...(typeof rateKey === "string" && { rate_limit: rateKey }),
        ...(typeof points === "number" && { priority: points }),
      };
    });
  });
}

type Columns = readonly [(string | null)[], (string | null)[], (number | null)[]];

/** Parses the columns. An empty column is stored as its length. */
function parseColumns(piece: string): Columns {
  // oxlint-disable-next-line typescript/consistent-type-assertions -- `writeKeys` alone writes them.
  const [concurrency, rate, priority] = JSON.parse(piece) as [
    Written<string>,
    Written<string>,
    Written<number>,
  ];
  return [column(concurrency), column(rate), column(priority)];
}

type Written<T> = number | (T | null)[];

function column<T>(written: Written<T>): (T | null)[] {
  return typeof written === "number" ? Array.from({ length: written }, () => null) : written;
}
