/** Where the boxes and edges of a graph go. Runs in a web worker, since large graphs take longer than a frame. */
import dagre from "@dagrejs/dagre";

export interface LayoutRequest {
  readonly tasks: readonly { readonly task: string; readonly downstream: readonly string[] }[];
  readonly boxWidth: number;
  readonly boxHeight: number;
}

export interface GraphLayout {
  readonly width: number;
  readonly height: number;
  /** Upper left corners, by task. */
  readonly boxes: Readonly<Record<string, { readonly x: number; readonly y: number }>>;
  readonly edges: readonly { readonly from: string; readonly to: string; readonly path: string }[];
}

const MARGIN = 8;

/** From left to right, what is upstream before what is downstream. */
export function layoutGraph({ tasks, boxWidth, boxHeight }: LayoutRequest): GraphLayout {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({
    rankdir: "LR",
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

interface Point {
  readonly x: number;
  readonly y: number;
}

/** A smooth line from the middle of the right side of a box to the middle of the left side of another, by way of these points. */
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
  // Between neighbours dagre has only the middle, and a single bend is the better line.
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

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
