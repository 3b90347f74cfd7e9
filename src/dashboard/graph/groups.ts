/**
 * Groups the tasks of a large graph: a fan-out of a thousand tasks is one box with a count.
 *
 * - Siblings: tasks with the same upstream and the same downstream tasks.
 * - Tasks of the same depth whose names differ in digits only, if the graph is still large.
 *
 * Members of a group have the same depth, so groups never close a circle. Pure.
 */
import { depthsOf } from "./layers.ts";

/** A task with its neighbours. */
export interface GraphTask {
  readonly task: string;
  readonly upstream: readonly string[];
  readonly downstream: readonly string[];
}

/** A node of the graph: a task or a group. Neighbours are ids of nodes. */
export interface GraphNode {
  readonly id: string;
  /** The task's name, or the common part of the names of the group. */
  readonly name: string;
  /** The tasks of the node. A group has several. */
  readonly tasks: readonly string[];
  readonly upstream: readonly string[];
  readonly downstream: readonly string[];
}

/** Graphs up to this number of tasks show every task. */
const ALWAYS_WHOLE = 40;
/** Graphs above this number of nodes are also grouped by names. */
const STILL_LARGE = 250;
/** The fewest tasks that make a group. */
const FEWEST = 5;

/** Groups the tasks. The nodes keep the order of their first tasks. */
export function groupTasks(tasks: readonly GraphTask[]): readonly GraphNode[] {
  const groups = groupsOf(tasks);
  const idOf = new Map<string, string>();
  for (const group of groups) {
    const id = group.length === 1 ? (group[0]?.task ?? "") : `${group.length} × ${group[0]?.task}`;
    for (const { task } of group) idOf.set(task, id);
  }
  const idsOf = (names: readonly string[], own: string): string[] => [
    ...new Set(names.map((name) => idOf.get(name) ?? name).filter((id) => id !== own)),
  ];
  return groups.map((group) => {
    const names = group.map(({ task }) => task);
    const id = idOf.get(names[0] ?? "") ?? "";
    return {
      id,
      name: names.length === 1 ? id : commonName(names),
      tasks: names,
      upstream: idsOf(
        group.flatMap(({ upstream }) => upstream),
        id,
      ),
      downstream: idsOf(
        group.flatMap(({ downstream }) => downstream),
        id,
      ),
    };
  });
}

/** Divides the tasks: a list of one task is no group. */
function groupsOf(tasks: readonly GraphTask[]): readonly (readonly GraphTask[])[] {
  const alone = tasks.map((task) => [task]);
  if (tasks.length <= ALWAYS_WHOLE) return alone;
  const siblings = split(alone, ([task]) =>
    task === undefined ? "" : `${task.upstream.join("\n")}\n\n${task.downstream.join("\n")}`,
  );
  if (siblings.length <= STILL_LARGE) return siblings;
  const indexes = new Map(tasks.map(({ task }, index) => [task, index]));
  const depths = depthsOf(
    tasks.map(({ downstream }) => downstream.flatMap((name) => indexes.get(name) ?? [])),
  );
  const byName = split(alone, ([task]) => {
    if (task === undefined) return "";
    return `${depths[indexes.get(task.task) ?? 0]} ${task.task.replaceAll(/\d+/g, "#")}`;
  });
  return byName.length < siblings.length ? byName : siblings;
}

/** Unites the lists of the same key where that makes a group. */
function split(
  lists: readonly (readonly GraphTask[])[],
  keyOf: (list: readonly GraphTask[]) => string,
): readonly (readonly GraphTask[])[] {
  const byKey = new Map<string, GraphTask[]>();
  for (const list of lists) {
    const key = keyOf(list);
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, [...list]);
    else known.push(...list);
  }
  return [...byKey.values()].flatMap((group) =>
    group.length >= FEWEST ? [group] : group.map((task) => [task]),
  );
}

/** The common beginning and end of names, with an ellipsis for the rest. */
function commonName(names: readonly string[]): string {
  const first = names[0] ?? "";
  const shortest = Math.min(...names.map(({ length }) => length));
  const start = lengthWhile(shortest, (at) => names.every((name) => name[at] === first[at]));
  const end = lengthWhile(shortest - start, (at) =>
    names.every((name) => name.at(-1 - at) === first.at(-1 - at)),
  );
  const head = first.slice(0, start).replace(/[\d_.-]+$/, "");
  const tail = end === 0 ? "" : first.slice(-end).replace(/^[\d_.-]+/, "");
  if (head === "" && tail === "") return `${first}, …`;
  return tail === "" ? head : `${head}…${tail}`;
}

/** Counts from zero while the condition holds. */
function lengthWhile(most: number, holds: (at: number) => boolean): number {
  let at = 0;
  while (at < most && holds(at)) at++;
  return at;
}
