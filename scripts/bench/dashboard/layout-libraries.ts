/**
 * The compared libraries, each behind the same function. The gaps between boxes are the same for
 * all, and each library has the settings of its documentation for layered graphs.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { layoutGraph } from "../../../src/dashboard/graph/layout.ts";
import type { GraphTask } from "./graphs.ts";

/** The modules of the libraries below `node_modules`; `own` is the dashboard's. */
const LIBRARIES = {
  own: "",
  dagre: "@dagrejs/dagre/dist/dagre.esm.js",
  elkjs: "elkjs/lib/elk.bundled.js",
  "d3-dag": "d3-dag/dist/d3-dag.esm.min.mjs",
} as const;

export type Library = keyof typeof LIBRARIES;

/** A laid out graph: its edges as straight lines between the boxes. */
export interface Placed {
  readonly lines: readonly { readonly from: Point; readonly to: Point }[];
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** The size of a box in pixels, and the gaps between boxes. */
const SIZE = { width: 196, height: 52 };
const GAPS = { row: 21, column: 63 };
/** The bound of the own layout, as in the worker. */
const BUDGET_MS = 400;

/** Lays the graph out with one of the libraries, which is loaded from the folder. */
export async function layOutBy(
  library: Library,
  folder: string,
  tasks: readonly GraphTask[],
): Promise<Placed> {
  const edges = tasks.flatMap(({ task, downstream }) =>
    downstream.map((to) => [task, to] as const),
  );
  const centers = await CENTERS[library](tasks, edges, folder);
  const lines = edges.flatMap(([from, to]) => {
    const [start, end] = [centers.get(from), centers.get(to)];
    return start === undefined || end === undefined ? [] : [{ from: start, to: end }];
  });
  return { lines };
}

type Edges = readonly (readonly [string, string])[];
type Centers = ReadonlyMap<string, Point>;

const CENTERS: Readonly<
  Record<Library, (tasks: readonly GraphTask[], edges: Edges, folder: string) => Promise<Centers>>
> = {
  async own(tasks) {
    const nodes = tasks.map(({ task, downstream }) => ({ id: task, downstream, ...SIZE }));
    const end = performance.now() + BUDGET_MS;
    const { boxes } = layoutGraph(
      { nodes, rowGap: GAPS.row, columnGap: GAPS.column },
      () => performance.now() > end,
    );
    return new Map([...boxes].map(([id, { x, y }]) => [id, { x, y }]));
  },
  async dagre(tasks, edges, folder) {
    const { default: dagre } = await load(folder, "dagre");
    const graph = new dagre.graphlib.Graph();
    graph.setGraph({ rankdir: "LR", nodesep: GAPS.row, ranksep: GAPS.column });
    graph.setDefaultEdgeLabel(() => ({}));
    for (const { task } of tasks) graph.setNode(task, { ...SIZE });
    for (const [from, to] of edges) graph.setEdge(from, to);
    dagre.layout(graph);
    return new Map(tasks.map(({ task }) => [task, graph.node(task)]));
  },
  async elkjs(tasks, edges, folder) {
    const { default: Elk } = await load(folder, "elkjs");
    const { children } = await new Elk().layout({
      id: "graph",
      layoutOptions: {
        "elk.algorithm": "layered",
        "elk.direction": "RIGHT",
        "elk.spacing.nodeNode": String(GAPS.row),
        "elk.layered.spacing.nodeNodeBetweenLayers": String(GAPS.column),
      },
      children: tasks.map(({ task }) => ({ id: task, ...SIZE })),
      edges: edges.map(([from, to], at) => ({ id: `${at}`, sources: [from], targets: [to] })),
    });
    return new Map(children.map(({ id, x, y }: Point & { id: string }) => [id, { x, y }]));
  },
  async "d3-dag"(_tasks, edges, folder) {
    const { graphConnect, sugiyama, decrossTwoLayer } = await load(folder, "d3-dag");
    const graph = graphConnect()(edges);
    sugiyama()
      .nodeSize([SIZE.height, SIZE.width])
      .gap([GAPS.row, GAPS.column])
      .decross(decrossTwoLayer())(graph);
    const nodes: { data: string; x: number; y: number }[] = [...graph.nodes()];
    // Graphs of d3-dag go downwards.
    return new Map(nodes.map(({ data, x, y }) => [data, { x: y, y: x }]));
  },
};

/** The file of a library's module. */
export function moduleOf(library: Library, folder: string): string {
  return library === "own"
    ? join(import.meta.dirname, "../../../src/dashboard/graph/layout.ts")
    : join(folder, "node_modules", LIBRARIES[library]);
}

/** Loads a library, without types: the project does not depend on the library. */
async function load(folder: string, library: Library) {
  return import(pathToFileURL(moduleOf(library, folder)).href);
}
