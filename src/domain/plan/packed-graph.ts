/**
 * Compact form of a run's graph in the journal: names once, edges as ordinals, common settings
 * once. A graph of 20,000 tasks needs about 30 bytes per task plus its name. `unpackGraph` restores
 * the original graph.
 */
import type { GraphTask, RunGraph } from "./run-graph.ts";

/** Settings of a task without its name and edges. */
type Settings = Omit<GraphTask, "name" | "method" | "upstream" | "downstream" | "parents">;

export interface PackedGraph extends Omit<RunGraph, "tasks"> {
  /** Task names by ordinal. */
  readonly names: readonly string[];
  /** Methods with a name different from their task. */
  readonly methods: readonly string[];
  readonly settings: readonly Settings[];
  /**
   * By ordinal: index of settings, index of the method or -1, and the parents, as ordinals inside
   * the run.
   */
  readonly tasks: readonly (readonly [
    settings: number,
    method: number,
    ...parents: (number | string)[],
  ])[];
  /** Edges by ordinal, for an unusual order only. */
  readonly upstream?: Readonly<Record<number, readonly number[]>>;
  readonly downstream?: Readonly<Record<number, readonly number[]>>;
}

/** Packs a graph for the journal. */
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

/** Restores a packed graph. */
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

/**
 * Derives the edges from the parents: upstream in order of the parents, downstream in order of
 * ordinals.
 */
function usualEdges(tasks: PackedGraph["tasks"]): Edges {
  const upstream = tasks.map(([, , ...parents]) =>
    parents.filter((parent) => typeof parent === "number"),
  );
  const downstream = tasks.map((): number[] => []);
  for (const [ordinal, parents] of upstream.entries())
    for (const parent of parents) downstream[parent]?.push(ordinal);
  return { upstream, downstream };
}

/** Returns the unusual edges by ordinal; null if all are usual. */
function unusual(
  edges: readonly (readonly number[])[],
  usual: readonly (readonly number[])[],
): Record<number, readonly number[]> | null {
  const others = [...edges.entries()].filter(
    ([ordinal, tasks]) => tasks.join() !== usual[ordinal]?.join(),
  );
  return others.length === 0 ? null : Object.fromEntries(others);
}

/** Distinct values in order of first use. */
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
