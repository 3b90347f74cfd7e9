/**
 * Computes the layout of a graph. Runs in a web worker, since a large graph takes longer than a
 * frame.
 */
import dagre from "@dagrejs/dagre";

/** A graph and the size of its boxes, in pixels. */
export interface LayoutRequest {
  readonly tasks: readonly { readonly task: string; readonly downstream: readonly string[] }[];
  readonly boxWidth: number;
  readonly boxHeight: number;
}

/** The positions of boxes and edges, in pixels. */
export interface GraphLayout {
  readonly width: number;
  readonly height: number;
  /** The upper left corners of the boxes, by task. */
  readonly boxes: Readonly<Record<string, { readonly x: number; readonly y: number }>>;
  /** Edges with their SVG paths. */
  readonly edges: readonly { readonly from: string; readonly to: string; readonly path: string }[];
}

/** Space around the graph, in pixels. */
const MARGIN = 8;

/**
 * Lays a graph out from left to right, upstream tasks first. Edges to tasks outside the request are
 * left out.
 */
export function layoutGraph({ tasks, boxWidth, boxHeight }: LayoutRequest): GraphLayout {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({
    rankdir: "LR",
    // Gaps are in proportion to the boxes, so that small previews and large graphs look alike.
    nodesep: boxHeight * 0.4,
    ranksep: boxWidth * 0.32,
    marginx: MARGIN,
    marginy: MARGIN,
  });
  graph.setDefaultEdgeLabel(() => ({}));
  const names = new Set(tasks.map(({ task }) => task));
  for (const name of names) graph.setNode(name, { width: boxWidth, height: boxHeight });
  for (const { task, downstream } of tasks)
    for (const child of downstream) if (names.has(child)) graph.setEdge(task, child);
  dagre.layout(graph);
  // dagre places the centres of boxes; the page places corners.
  const boxes: Record<string, { x: number; y: number }> = Object.create(null);
  for (const name of names) {
    const { x, y } = graph.node(name);
    boxes[name] = { x: Math.round(x - boxWidth / 2), y: Math.round(y - boxHeight / 2) };
  }
  const edges = graph.edges().map(({ v, w }) => {
    const points: readonly Point[] = graph.edge(v, w).points;
    return { from: v, to: w, path: pathThrough(points, boxes[v], boxes[w], boxWidth, boxHeight) };
  });
  const { width = 0, height = 0 } = graph.graph();
  return { width: Math.ceil(width), height: Math.ceil(height), boxes, edges };
}

/** A point of an edge. */
interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * Draws a smooth line from the middle of a box's right side to the middle of another box's left
 * side, through the points that dagre has chosen to avoid other boxes.
 */
function pathThrough(
  points: readonly Point[],
  from: Point | undefined,
  to: Point | undefined,
  boxWidth: number,
  boxHeight: number,
): string {
  if (from === undefined || to === undefined) return "";
  const start = { x: from.x + boxWidth, y: from.y + boxHeight / 2 };
  const end = { x: to.x, y: to.y + boxHeight / 2 };
  const between = points.slice(1, -1).filter(({ x }) => x > start.x && x < end.x);
  // For neighbours dagre has a single point halfway, and one curve looks better.
  const way = between.length <= 1 ? [start, end] : [start, ...between, end];
  let text = `M${start.x} ${start.y}`;
  for (let index = 1; index < way.length; index++) {
    const a = way[index - 1] ?? start;
    const b = way[index] ?? end;
    const bend = (b.x - a.x) / 2;
    text += `C${round(a.x + bend)} ${round(a.y)} ${round(b.x - bend)} ${round(b.y)} ${round(b.x)} ${round(b.y)}`;
  }
  return text;
}

/** Rounds to tenths of a pixel, which keeps the paths short. */
function round(value: number): number {
  return Math.round(value * 10) / 10;
}
