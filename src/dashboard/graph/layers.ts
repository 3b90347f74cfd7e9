/**
 * Puts the boxes of a graph into layers, so that every edge goes to a later layer. Pure.
 *
 * An edge over several layers passes a dummy in each layer between. The dummy keeps a lane free, so
 * that the edge does not cross boxes.
 */

/** A box of the graph with its size in pixels. `downstream` names boxes by their ids. */
export interface LayoutNode {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly downstream: readonly string[];
}

/** A graph in layers. Boxes keep the indexes of the request; dummies follow them. */
export interface LayeredGraph {
  /** The number of boxes: larger indexes are dummies. */
  readonly boxes: number;
  /** The layer of each box and dummy. */
  readonly layer: number[];
  /** Sizes in pixels; a dummy has none. */
  readonly width: number[];
  readonly height: number[];
  /** Neighbours in the layer before and after. */
  readonly up: number[][];
  readonly down: number[][];
  /** The boxes and dummies of each layer, in order from top to bottom. */
  readonly layers: number[][];
  /** The edges between boxes, with the dummies on their way. */
  readonly edges: readonly {
    readonly from: number;
    readonly to: number;
    readonly way: readonly number[];
  }[];
}

/** The number of dummies per box; longer edges beyond it are drawn straight. */
const DUMMIES_PER_BOX = 4;
/** The number of dummies that any graph may have. */
const FREE_DUMMIES = 2_000;

/** Builds the layers. The order within a layer is the order of the request. */
export function layersOf(nodes: readonly LayoutNode[]): LayeredGraph {
  const indexes = new Map(nodes.map(({ id }, index) => [id, index]));
  const down: number[][] = nodes.map(({ downstream }, index) => [
    ...new Set(
      downstream.flatMap((id) => {
        const to = indexes.get(id);
        return to === undefined || to === index ? [] : [to];
      }),
    ),
  ]);
  const layer = tightened(down, depthsOf(down));
  const graph: LayeredGraph = {
    boxes: nodes.length,
    layer,
    width: nodes.map(({ width }) => width),
    height: nodes.map(({ height }) => height),
    up: nodes.map(() => []),
    down: nodes.map(() => []),
    layers: [],
    edges: [],
  };
  const edges: { from: number; to: number; way: readonly number[] }[] = [];
  let left = FREE_DUMMIES + DUMMIES_PER_BOX * nodes.length;
  for (const [from, targets] of down.entries())
    for (const to of targets) {
      const span = (layer[to] ?? 0) - (layer[from] ?? 0);
      // An edge that closes a circle has no later layer to go to.
      if (span < 1) continue;
      const way = span - 1 <= left ? addDummies(graph, from, to) : [];
      left -= way.length;
      edges.push({ from, to, way });
    }
  for (const [index, at] of layer.entries()) (graph.layers[at] ??= []).push(index);
  for (let at = 0; at < graph.layers.length; at++) graph.layers[at] ??= [];
  return { ...graph, edges };
}

/** Adds the dummies of an edge and connects them. Returns them from left to right. */
function addDummies(graph: LayeredGraph, from: number, to: number): readonly number[] {
  const way: number[] = [];
  let last = from;
  const connect = (next: number): void => {
    graph.down[last]?.push(next);
    graph.up[next]?.push(last);
    last = next;
  };
  for (let at = (graph.layer[from] ?? 0) + 1; at < (graph.layer[to] ?? 0); at++) {
    const dummy = graph.layer.length;
    graph.layer.push(at);
    graph.width.push(0);
    graph.height.push(0);
    graph.up.push([]);
    graph.down.push([]);
    way.push(dummy);
    connect(dummy);
  }
  connect(to);
  return way;
}

/**
 * Computes the length of the longest path to each box (Kahn). Boxes of a circle get the last layer:
 * a graph of peach.conf has none.
 */
export function depthsOf(down: readonly (readonly number[])[]): number[] {
  const missing = new Int32Array(down.length);
  for (const targets of down) for (const to of targets) missing[to] = (missing[to] ?? 0) + 1;
  const depths = Array.from({ length: down.length }, () => 0);
  const ready = [...missing.keys()].filter((index) => missing[index] === 0);
  for (const from of ready)
    for (const to of down[from] ?? []) {
      depths[to] = Math.max(depths[to] ?? 0, (depths[from] ?? 0) + 1);
      missing[to] = (missing[to] ?? 0) - 1;
      if (missing[to] === 0) ready.push(to);
    }
  return depths;
}

/** Moves boxes right, next to their downstream boxes, where edges become shorter. */
function tightened(down: readonly (readonly number[])[], depths: readonly number[]): number[] {
  const layer = [...depths];
  const incoming = new Int32Array(down.length);
  for (const targets of down) for (const to of targets) incoming[to] = (incoming[to] ?? 0) + 1;
  const byDepth = [...layer.keys()].toSorted((a, b) => (layer[b] ?? 0) - (layer[a] ?? 0));
  for (const at of byDepth) {
    const targets = down[at] ?? [];
    if (targets.length <= (incoming[at] ?? 0)) continue;
    const nearest = targets.reduce(
      (least, to) => Math.min(least, layer[to] ?? 0),
      Number.POSITIVE_INFINITY,
    );
    layer[at] = Math.max(layer[at] ?? 0, nearest - 1);
  }
  return layer;
}
