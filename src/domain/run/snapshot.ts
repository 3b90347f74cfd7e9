/**
 * Snapshot of a run: the result of its journal as one record. A long-lived run is restored from the
 * latest snapshot and later changes, so the cost depends on its size, not on its age. Every field
 * is stored except derived ones; a new field needs no code here.
 */
import { newItem } from "./mapped-task.ts";
import type { RunGraph } from "../plan/run-graph.ts";
import { withGenesisKeys, withStateKeys, type MapKeys } from "./limit-keys-aside.ts";
import { isFinal } from "./task-state.ts";
import { newRun, type Run, type TaskEntry } from "./state.ts";

/** Stored fields of a task or item. */
type EntryRecord = Omit<TaskEntry, "task" | "item" | "waitingOn">;

/** Equal entries are stored once, such as ten thousand blocked items. */
interface EntryRecords {
  readonly kinds: readonly EntryRecord[];
  /** Run-length encoding: alternating index of a kind and count. */
  readonly runs: readonly number[];
}

export interface RunState extends Omit<Run, "tasks" | "items" | "active" | "graph"> {
  readonly graph: RunGraph;
  readonly tasks: EntryRecords;
  readonly items: EntryRecords;
  /** Active ordinals in order of activation. */
  readonly active: readonly number[];
}

/** Makes the record of a run. `map` replaces key lists by references. */
export function stateOf(run: Run, map: MapKeys): RunState {
  const { tasks, items, active, ...rest } = run;
  return {
    ...withGenesisKeys(rest, map),
    tasks: encodeEntries(tasks, map),
    items: encodeEntries(items, map),
    active: [...active],
  };
}

/** Restores a run. `map` replaces references by key lists. */
export function runOf({ tasks, items, active, ...rest }: RunState, map: MapKeys): Run {
  const kept = withGenesisKeys(rest, map);
  const run: Run = {
    ...newRun(kept),
    ...kept,
    mappedTasks: [...kept.mappedTasks],
    children: [...kept.children],
  };
  for (const [ordinal, standing] of decodeEntries(tasks, map))
    Object.assign(run.tasks[ordinal] ?? {}, standing);
  const places = run.mappedTasks.flatMap((of) => {
    const entry = run.tasks[of];
    return Array.from({ length: entry?.each?.total ?? 0 }, (_, index) => ({ entry, of, index }));
  });
  for (const [place, standing] of decodeEntries(items, map)) {
    const { entry, of = 0, index = 0 } = places[place] ?? {};
    if (entry === undefined) throw new RangeError(`run ${run.id} has an item ${place} of no task`);
    run.items.push(Object.assign(newItem(entry, of, index), standing));
  }
  for (const entry of run.tasks)
    entry.waitingOn = entry.task.upstream.filter(
      (parent) => !isFinal(run.tasks[parent]?.state ?? PENDING),
    ).length;
  for (const ordinal of active) run.active.add(ordinal);
  return run;
}

const PENDING = { status: "pending" } as const;

function encodeEntries(entries: readonly TaskEntry[], map: MapKeys): EntryRecords {
  const kinds: EntryRecord[] = [];
  const places = new Map<string, number>();
  const runs: number[] = [];
  for (const { task: _, item: __, waitingOn: ___, state, ...rest } of entries) {
    const standing = { ...rest, state: withStateKeys(state, map) };
    const text = JSON.stringify(standing);
    const place = places.get(text) ?? kinds.push(standing) - 1;
    places.set(text, place);
    const last = runs.length - 1;
    if (runs[last - 1] === place) runs[last] = (runs[last] ?? 0) + 1;
    else runs.push(place, 1);
  }
  return { kinds, runs };
}

/** Yields entries by position. Mutable parts are copied per entry. */
function* decodeEntries(
  { kinds, runs }: EntryRecords,
  map: MapKeys,
): Generator<[number, EntryRecord]> {
  let place = 0;
  for (let at = 0; at < runs.length; at += 2) {
    const kind = kinds[runs[at] ?? -1];
    if (kind === undefined) throw new RangeError("a state lacks how some of its tasks stand");
    const state = withStateKeys(kind.state, map);
    for (let count = runs[at + 1] ?? 0; count > 0; count -= 1) {
      const own = { ...kind, state, attempts: [...kind.attempts] };
      if (own.steps !== undefined) own.steps = [...own.steps];
      if (own.each !== undefined) own.each = { ...own.each };
      if (own.actions !== undefined) own.actions = [...own.actions];
      if (own.arrived !== undefined) own.arrived = { ...own.arrived };
      yield [place, own];
      place += 1;
    }
  }
}
