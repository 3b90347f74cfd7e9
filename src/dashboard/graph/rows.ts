/**
 * Places the boxes of each layer vertically. Each box is drawn to the mean of its neighbours; boxes
 * of a layer keep their order and distance. For one layer this is a least-squares problem with an
 * exact solution in linear time: isotonic regression by pooling neighbours.
 */
import type { LayeredGraph } from "./layers.ts";

/** The most sweeps over the layers. */
const SWEEPS = 12;
/** Edges between dummies are straightened by this weight. */
const DUMMY_WEIGHT = 6;
/** A box without neighbours on the side of a sweep stays in place, by this weight. */
const STAY_WEIGHT = 0.2;
/** The gap beside a dummy, as a share of the gap between boxes. */
const DUMMY_GAP = 0.5;

/** Returns the vertical centre of each box and dummy, in pixels. */
export function placeRows(graph: LayeredGraph, gap: number, isOver: () => boolean): Float64Array {
  const rows = new Float64Array(graph.layer.length);
  const offsets = graph.layers.map((layer) => offsetsOf(graph, layer, gap));
  for (const [index, layer] of graph.layers.entries()) {
    const middle = (offsets[index]?.at(-1) ?? 0) / 2;
    for (const [row, at] of layer.entries()) rows[at] = (offsets[index]?.[row] ?? 0) - middle;
  }
  const count = graph.layers.length;
  for (let sweep = 0; sweep < SWEEPS && !isOver(); sweep++) {
    // The last sweeps look both ways: neither side dominates.
    const sides =
      sweep >= SWEEPS - 4 ? [graph.up, graph.down] : sweep % 2 === 0 ? [graph.up] : [graph.down];
    for (let step = 0; step < count; step++) {
      const index = sweep % 2 === 0 ? step : count - 1 - step;
      placeLayer(graph, graph.layers[index] ?? [], offsets[index] ?? [], sides, rows);
    }
  }
  return rows;
}

/** The distance of each box from the first of its layer when all stand as close as allowed. */
function offsetsOf(graph: LayeredGraph, layer: readonly number[], gap: number): number[] {
  const offsets: number[] = [];
  let y = 0;
  for (const [row, at] of layer.entries()) {
    const before = layer[row - 1];
    if (before !== undefined) {
      const isLane = at >= graph.boxes || before >= graph.boxes;
      const halves = ((graph.height[before] ?? 0) + (graph.height[at] ?? 0)) / 2;
      y += halves + gap * (isLane ? DUMMY_GAP : 1);
    }
    offsets.push(y);
  }
  return offsets;
}

/** A run of boxes that touch each other and move as one. */
interface Block {
  readonly from: number;
  weight: number;
  mean: number;
}

/** Moves a layer as near to its neighbours as its order allows. */
function placeLayer(
  graph: LayeredGraph,
  layer: readonly number[],
  offsets: readonly number[],
  sides: readonly (readonly (readonly number[])[])[],
  rows: Float64Array,
): void {
  const blocks: Block[] = [];
  for (const [row, at] of layer.entries()) {
    let sum = 0;
    let weight = 0;
    for (const side of sides)
      for (const other of side[at] ?? []) {
        const pull = at >= graph.boxes && other >= graph.boxes ? DUMMY_WEIGHT : 1;
        sum += pull * (rows[other] ?? 0);
        weight += pull;
      }
    if (weight === 0) [sum, weight] = [STAY_WEIGHT * (rows[at] ?? 0), STAY_WEIGHT];
    let block: Block = { from: row, weight, mean: sum / weight - (offsets[row] ?? 0) };
    // A block that would overlap the one above is pooled with it.
    for (let above = blocks.at(-1); above !== undefined && above.mean > block.mean;) {
      blocks.pop();
      const total = above.weight + block.weight;
      const mean = (above.mean * above.weight + block.mean * block.weight) / total;
      block = { from: above.from, weight: total, mean };
      above = blocks.at(-1);
    }
    blocks.push(block);
  }
  for (const [index, { from, mean }] of blocks.entries()) {
    const to = blocks[index + 1]?.from ?? layer.length;
    for (let row = from; row < to; row++) {
      const at = layer[row];
      if (at !== undefined) rows[at] = mean + (offsets[row] ?? 0);
    }
  }
}
