/**
 * Orders the boxes within layers so that few edges cross. Pure.
 *
 * Each sweep sorts every layer by the medians of the neighbours in the layer before, to and fro.
 * The order with the fewest crossings of all sweeps is kept.
 */
import type { LayeredGraph } from "./layers.ts";

/** The number of sweeps without an improvement after which the order is kept. */
const PATIENCE = 4;
/** The most sweeps. */
const SWEEPS = 24;

/** Orders the layers in place. The order of a depth-first walk is the least result. */
export function orderLayers(graph: LayeredGraph, isOver: () => boolean): void {
  const place = new Float64Array(graph.layer.length);
  walkOrder(graph, place);
  let best = graph.layers.map((layer) => [...layer]);
  let fewest = countCrossings(graph, place);
  for (let sweep = 0, idle = 0; sweep < SWEEPS && idle < PATIENCE && fewest > 0; sweep++) {
    if (isOver()) break;
    const isDown = sweep % 2 === 0;
    for (let step = 1; step < graph.layers.length; step++) {
      const layer = graph.layers[isDown ? step : graph.layers.length - 1 - step] ?? [];
      sortByMedian(layer, isDown ? graph.up : graph.down, place);
    }
    const crossings = countCrossings(graph, place);
    idle += 1;
    if (crossings >= fewest) continue;
    [fewest, idle] = [crossings, 0];
    best = graph.layers.map((layer) => [...layer]);
  }
  for (const [index, layer] of best.entries()) graph.layers[index] = layer;
}

/** Orders each layer as a depth-first walk from the sources meets it: subtrees stay together. */
function walkOrder(graph: LayeredGraph, place: Float64Array): void {
  const layers: number[][] = graph.layers.map(() => []);
  const isMet = new Uint8Array(graph.layer.length);
  const walk: number[] = [];
  for (const source of graph.layers.flat()) {
    if ((graph.up[source] ?? []).length > 0) continue;
    walk.push(source);
    while (walk.length > 0) {
      const at = walk.pop() ?? 0;
      if (isMet[at] === 1) continue;
      isMet[at] = 1;
      layers[graph.layer[at] ?? 0]?.push(at);
      const below = graph.down[at] ?? [];
      for (let index = below.length - 1; index >= 0; index--) walk.push(below[index] ?? 0);
    }
  }
  for (const [index, layer] of layers.entries()) {
    graph.layers[index] = layer;
    for (const [row, at] of layer.entries()) place[at] = row;
  }
}

/** Sorts a layer by the medians of its neighbours. A box without neighbours keeps its row. */
function sortByMedian(
  layer: number[],
  neighbours: readonly (readonly number[])[],
  place: Float64Array,
): void {
  const keys = new Map<number, number>();
  for (const [row, at] of layer.entries()) {
    const rows = (neighbours[at] ?? []).map((other) => place[other] ?? 0).toSorted((a, b) => a - b);
    keys.set(at, rows.length === 0 ? row : medianOf(rows));
  }
  layer.sort((a, b) => (keys.get(a) ?? 0) - (keys.get(b) ?? 0));
  for (const [row, at] of layer.entries()) place[at] = row;
}

/**
 * The median of sorted rows. Between two middle ones it leans to the side where rows are close
 * together (Gansner and others, 1993).
 */
function medianOf(rows: readonly number[]): number {
  const middle = rows.length >> 1;
  const right = rows[middle] ?? 0;
  if (rows.length % 2 === 1) return right;
  const left = rows[middle - 1] ?? 0;
  if (rows.length === 2) return (left + right) / 2;
  const leftSpan = left - (rows[0] ?? 0);
  const rightSpan = (rows.at(-1) ?? 0) - right;
  if (leftSpan + rightSpan === 0) return (left + right) / 2;
  return (left * rightSpan + right * leftSpan) / (leftSpan + rightSpan);
}

/** Counts crossings between all layers, with a tree of sums: n log n of the edges. */
function countCrossings(graph: LayeredGraph, place: Float64Array): number {
  let crossings = 0;
  for (const [index, layer] of graph.layers.entries()) {
    const size = graph.layers[index + 1]?.length ?? 0;
    if (size === 0) continue;
    const sums = new Int32Array(size + 1);
    let passed = 0;
    for (const at of layer) {
      const rows = (graph.down[at] ?? []).filter((to) => graph.layer[to] === index + 1);
      for (const to of rows) {
        let before = 0;
        for (let row = (place[to] ?? 0) + 1; row > 0; row -= row & -row) before += sums[row] ?? 0;
        crossings += passed - before;
      }
      for (const to of rows) {
        passed += 1;
        for (let row = (place[to] ?? 0) + 1; row <= size; row += row & -row)
          sums[row] = (sums[row] ?? 0) + 1;
      }
    }
  }
  return crossings;
}
