/**
 * Computes the layout of a graph by layers, from left to right (Sugiyama's method): layers by the
 * longest path, an order with few crossings, then places that keep edges short. Runs in a web
 * worker.
 *
 * The time is bounded. The first pass of every step is linear in the graph; the passes that improve
 * it end when `isOver` says so. A layout is therefore always found, and is the same for the same
 * graph unless the time ran out.
 */
import { type LayeredGraph, type LayoutNode, layersOf } from "./layers.ts";
import { orderLayers } from "./order.ts";
import { placeRows } from "./rows.ts";

/** A graph to lay out. Gaps are in pixels. */
export interface LayoutRequest {
  readonly nodes: readonly LayoutNode[];
  readonly rowGap: number;
  readonly columnGap: number;
}

/** A box on the page: its upper left corner and its size, in pixels. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** An edge as points of a smooth line: x and y in turn, from left to right. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly points: readonly number[];
}

/** The places of boxes and edges, in pixels. */
export interface GraphLayout {
  readonly width: number;
  readonly height: number;
  /** The boxes by id. */
  readonly boxes: ReadonlyMap<string, Box>;
  readonly edges: readonly Edge[];
}

/** Space around the graph, in pixels. */
const MARGIN = 8;
/** The share of the steepest climb by which a column gap grows, and the limit of the gap. */
const GAP_PER_CLIMB = 0.12;
const MOST_GAPS = 6;

/**
 * Lays a graph out. Edges to boxes outside the request, and edges that would close a circle, are
 * left out.
 */
export function layoutGraph(request: LayoutRequest, isOver: () => boolean): GraphLayout {
  const graph = layersOf(request.nodes);
  orderLayers(graph, isOver);
  const rows = placeRows(graph, request.rowGap, isOver);
  const columns = placeColumns(graph, rows, request.columnGap);
  const boxes = new Map<string, Box>();
  let height = 0;
  let top = Number.POSITIVE_INFINITY;
  for (const [at, node] of request.nodes.entries())
    top = Math.min(top, (rows[at] ?? 0) - node.height / 2);
  for (const [at, { id, width, height: own }] of request.nodes.entries()) {
    const x = Math.round((columns.centers[graph.layer[at] ?? 0] ?? 0) - width / 2);
    const y = Math.round((rows[at] ?? 0) - top + MARGIN - own / 2);
    boxes.set(id, { x, y, width, height: own });
    height = Math.max(height, y + own);
  }
  const edges = graph.edges.map(({ from, to, way }) => {
    const source = request.nodes[from];
    const target = request.nodes[to];
    const start = boxes.get(source?.id ?? "");
    const end = boxes.get(target?.id ?? "");
    const points = start === undefined ? [] : [start.x + start.width, start.y + start.height / 2];
    for (const dummy of way) {
      const y = Math.round((rows[dummy] ?? 0) - top + MARGIN);
      points.push(columns.centers[graph.layer[dummy] ?? 0] ?? 0, y);
      height = Math.max(height, y);
    }
    if (end !== undefined) points.push(end.x, end.y + end.height / 2);
    return { from: source?.id ?? "", to: target?.id ?? "", points };
  });
  return { width: columns.width, height: height + MARGIN, boxes, edges };
}

/** Places the columns: a gap is wide enough for the edges in it to be told apart. */
function placeColumns(
  graph: LayeredGraph,
  rows: Float64Array,
  gap: number,
): { readonly centers: readonly number[]; readonly width: number } {
  const centers: number[] = [];
  let x = MARGIN;
  for (const [index, layer] of graph.layers.entries()) {
    const width = layer.reduce((most, at) => Math.max(most, graph.width[at] ?? 0), 0);
    centers.push(Math.round(x + width / 2));
    x += width;
    if (index + 1 === graph.layers.length) break;
    let climb = 0;
    for (const at of layer)
      for (const below of graph.down[at] ?? [])
        climb = Math.max(climb, Math.abs((rows[at] ?? 0) - (rows[below] ?? 0)));
    x += Math.round(Math.min(gap * MOST_GAPS, Math.max(gap, climb * GAP_PER_CLIMB)));
  }
  return { centers, width: x + MARGIN };
}
