/**
 * Limit keys of the items of wide arrays: ten thousand of them would make a journal entry of megabytes, so they lie beside it as bytes.
 * In memory a run has them as they are; what is written says only where they lie.
 */
import { isKeyList, type LimitKeys, type PayloadLimitKeys } from "../limits/limit.ts";
import type { RunChange, RunGenesis, TaskOutput, TaskState } from "./state.ts";

/** Where bytes lie: in the data of a row of the journal. */
export interface Place {
  readonly seq: number;
  readonly offset: number;
  readonly size: number;
}

/** What stands for a list of keys in the journal. */
export interface KeysElsewhere extends LimitKeys {
  readonly lie: readonly Place[];
}

/** How a list becomes a note of its place, or the note a list again. */
export type MapKeys = (keys: PayloadLimitKeys) => PayloadLimitKeys;

/** Whether this is a note of where keys lie. */
export function lieElsewhere(keys: PayloadLimitKeys): keys is KeysElsewhere {
  return !isKeyList(keys) && "lie" in keys;
}

/** The change with its lists of keys, or their notes, mapped; itself if it has none. */
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

/** The genesis with its lists of keys, or their notes, mapped. */
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

/** The state with its lists of keys, or their notes, mapped. */
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

/** Keys of so many items are written as one piece. */
const PIECE = 2_000;

/** A list as texts, the kinds of keys column by column. */
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

/** The list that was written. */
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

/** A column in which nothing stands is written as its length. */
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
