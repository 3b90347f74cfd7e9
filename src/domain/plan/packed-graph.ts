/**
 * The graph of a run as its journal has it: every name once, upstream and downstream tasks by ordinal, and what tasks have in common
 * once. A graph of 20,000 tasks has some 30 bytes a task beside its names; `unpackGraph` gives back the graph that was packed.
 */
import type { GraphTask, RunGraph } from "./run-graph.ts";

/** What a task is apart from its name and its place in the graph. */
type Settings = Omit<GraphTask, "name" | "method" | "upstream" | "downstream" | "parents">;

export interface PackedGraph extends Omit<RunGraph, "tasks"> {
  /** By ordinal. */
  readonly names: readonly string[];
  /** Methods that are not called as their task. */
  readonly methods: readonly string[];
  readonly settings: readonly Settings[];
  /** By ordinal: the place of its settings, that of its method or -1, and its parents, as ordinals where they are in the run. */
  readonly tasks: readonly (readonly [
    settings: number,
    method: number,
    ...parents: (number | string)[],
  ])[];
  /** By ordinal, where the order of these is not the usual one. */
  readonly upstream?: Readonly<Record<number, readonly number[]>>;
  readonly downstream?: Readonly<Record<number, readonly number[]>>;
}

/** The graph as it is written. */
export function packGraph({ tasks, ...graph }: RunGraph): PackedGraph {
  const ordinals = new Map(tasks.map(({ name }, ordinal) => [name, ordinal]));
  const methods = new Table<string>((method) => method);
  const settings = new Table<Settings>((one) => JSON.stringify(one));
  const packed = tasks.map((task) => {
    const { name, method, upstream: _, downstream: __, parents, ...rest } = task;
    const places = parents.map((parent) => ordinals.get(parent) ?? parent);
    return [
      settings.placeOf(rest),
      method === name ? -1 : methods.placeOf(method),
      ...places,
    ] as const;
  });
  const usual = usualEdges(packed);
  const upstream = unusual(
    tasks.map((task) => task.upstream),
    usual.upstream,
  );
  const downstream = unusual(
    tasks.map((task) => task.downstream),
    usual.downstream,
  );
  return {
    ...graph,
    names: tasks.map(({ name }) => name),
    methods: methods.values,
    settings: settings.values,
    tasks: packed,
    ...(upstream !== null && { upstream }),
    ...(downstream !== null && { downstream }),
  };
}

/** The graph that was packed. */
export function unpackGraph(packed: PackedGraph): RunGraph {
  const { names, methods, settings, tasks, upstream = {}, downstream = {}, ...graph } = packed;
  const usual = usualEdges(tasks);
  return {
    ...graph,
    tasks: tasks.map(([setting, method, ...parents], ordinal): GraphTask => {
      const shared = settings[setting];
      const name = names[ordinal];
      if (shared === undefined || name === undefined)
        throw new RangeError(`the graph lacks what task ${ordinal} is`);
      return {
        name,
        method: methods[method] ?? name,
        upstream: upstream[ordinal] ?? usual.upstream[ordinal] ?? [],
        downstream: downstream[ordinal] ?? usual.downstream[ordinal] ?? [],
        parents: parents.map((parent) =>
          typeof parent === "number" ? (names[parent] ?? "") : parent,
        ),
        ...shared,
      };
    }),
  };
}

interface Edges {
  readonly upstream: readonly (readonly number[])[];
  readonly downstream: readonly (readonly number[])[];
}

/** The edges as the parents say them: upstream in their order, downstream in that of the ordinals. */
function usualEdges(tasks: PackedGraph["tasks"]): Edges {
  const upstream = tasks.map(([, , ...parents]) =>
    parents.filter((parent) => typeof parent === "number"),
  );
  const downstream = tasks.map((): number[] => []);
  for (const [ordinal, parents] of upstream.entries())
    for (const parent of parents) downstream[parent]?.push(ordinal);
  return { upstream, downstream };
}

/** Those that are not as usual, by ordinal; null: none. */
function unusual(
  edges: readonly (readonly number[])[],
  usual: readonly (readonly number[])[],
): Record<number, readonly number[]> | null {
  const others = [...edges.entries()].filter(
    ([ordinal, tasks]) => tasks.join() !== usual[ordinal]?.join(),
  );
  return others.length === 0 ? null : Object.fromEntries(others);
}

/** Different values, each once, in the order in which they came. */
class Table<T> {
  readonly values: T[] = [];
  readonly #places = new Map<string, number>();
  readonly #textOf: (value: T) => string;

  constructor(textOf: (value: T) => string) {
    this.#textOf = textOf;
  }

  placeOf(value: T): number {
    const text = this.#textOf(value);
    const known = this.#places.get(text);
    if (known !== undefined) return known;
    this.#places.set(text, this.values.length);
    return this.values.push(value) - 1;
  }
}
