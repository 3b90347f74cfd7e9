/**
 * Places tasks in layers, for the drawing in a terminal: each task stands below its upstream tasks.
 * The steps are those of Sugiyama: layers, order within the layers, columns.
 */
import { balanced } from "./columns.ts";

/** A task to draw. */
export interface DrawnTask {
  readonly name: string;
  readonly downstream: readonly string[];
}

/** A placed task, or the bend of an edge that passes a layer. */
export interface PlacedNode {
  /** The name of the task; null for a bend. */
  readonly name: string | null;
  width: number;
  /** The first column. */
  left: number;
  /** The nodes of the next layer to which edges lead. */
  readonly below: PlacedNode[];
  readonly above: PlacedNode[];
}

/** The columns between two neighbours of a layer. */
const GAP = 3;
/** Rounds of improving the order and the columns; more rounds change little. */
const SWEEPS = 8;

/** Places tasks without a cycle. Returns the layers from top to bottom, each from left to right. */
export function placeInLayers(tasks: readonly DrawnTask[]): PlacedNode[][] {
  const layers = layersOf(tasks);
  order(layers);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (const layer of layers) place(layer, ({ above }) => above);
    for (const layer of layers.toReversed()) place(layer, ({ below }) => below);
  }
  const left = Math.min(...layers.flat().map((node) => node.left));
  for (const node of layers.flat()) node.left -= left;
  return layers;
}

/** The middle column of a node. */
export function centre({ left, width }: PlacedNode): number {
  return left + Math.floor((width - 1) / 2);
}

/** Puts each task below all upstream tasks, and a bend into each layer that an edge passes. */
function layersOf(tasks: readonly DrawnTask[]): PlacedNode[][] {
  const depths = depthsOf(tasks);
  const layers: PlacedNode[][] = [];
  const nodes = new Map<string, PlacedNode>();
  const add = (name: string | null, depth: number): PlacedNode => {
    const width = name?.length ?? 1;
    const node: PlacedNode = { name, width, left: 0, below: [], above: [] };
    (layers[depth] ??= []).push(node);
    return node;
  };
  for (const { name } of tasks) nodes.set(name, add(name, depths.get(name) ?? 0));
  for (const { name, downstream } of tasks)
    for (const child of new Set(downstream)) {
      const target = nodes.get(child);
      let from = nodes.get(name);
      if (target === undefined || from === undefined) continue;
      for (let depth = (depths.get(name) ?? 0) + 1; depth < (depths.get(child) ?? 0); depth++) {
        const bend = add(null, depth);
        connect(from, bend);
        from = bend;
      }
      connect(from, target);
    }
  // Lines that end at the same node need a column each, with a free column between two lines.
  for (const layer of layers) {
    const ends = edgeGroups(layer).flatMap(({ to }) => to);
    for (const node of ends)
      node.width = Math.max(node.width, 2 * ends.filter((one) => one === node).length - 1);
  }
  return layers;
}

/** Nodes of a layer that lead to the same nodes below. The edges are drawn as a single line. */
interface EdgeGroup {
  readonly from: readonly PlacedNode[];
  readonly to: readonly PlacedNode[];
}

/** Groups the nodes of a layer by the nodes to which they lead. */
export function edgeGroups(layer: readonly PlacedNode[]): EdgeGroup[] {
  const groups: { readonly from: PlacedNode[]; readonly to: readonly PlacedNode[] }[] = [];
  for (const node of layer) {
    const to = new Set(node.below);
    const known = groups.find(
      (one) => one.to.length === to.size && one.to.every((end) => to.has(end)),
    );
    if (known !== undefined) known.from.push(node);
    else if (to.size > 0) groups.push({ from: [node], to: [...to] });
  }
  return groups;
}

function connect(above: PlacedNode, below: PlacedNode): void {
  above.below.push(below);
  below.above.push(above);
}

/** Finds the number of edges on the longest way to each task. */
export function depthsOf(tasks: readonly DrawnTask[]): Map<string, number> {
  const children = new Map(tasks.map(({ name, downstream }) => [name, new Set(downstream)]));
  const waiting = new Map(tasks.map(({ name }) => [name, 0]));
  for (const names of children.values())
    for (const name of names) waiting.set(name, (waiting.get(name) ?? 0) + 1);
  const depths = new Map<string, number>();
  const ready = tasks.map(({ name }) => name).filter((name) => waiting.get(name) === 0);
  for (const name of ready) depths.set(name, 0);
  // The loop also visits the tasks that become ready meanwhile.
  for (const name of ready)
    for (const child of children.get(name) ?? []) {
      depths.set(child, Math.max(depths.get(child) ?? 0, (depths.get(name) ?? 0) + 1));
      const left = (waiting.get(child) ?? 1) - 1;
      waiting.set(child, left);
      if (left === 0) ready.push(child);
    }
  return depths;
}

/** Orders each layer by the mean place of the neighbours. Keeps the order with least crossings. */
function order(layers: PlacedNode[][]): void {
  let best = layers.map((layer) => [...layer]);
  let least = crossings(layers);
  for (let sweep = 0; sweep < SWEEPS && least > 0; sweep++) {
    const isDown = sweep % 2 === 0;
    for (const [index, layer] of (isDown ? layers : layers.toReversed()).entries()) {
      if (index === 0) continue;
      const fixed = isDown ? layers[index - 1] : layers[layers.length - index];
      sortByNeighbours(layer, fixed ?? [], ({ above, below }) => (isDown ? above : below));
    }
    const now = crossings(layers);
    if (now >= least) continue;
    least = now;
    best = layers.map((layer) => [...layer]);
  }
  for (const [index, layer] of best.entries()) layers[index] = layer;
}

function sortByNeighbours(
  layer: PlacedNode[],
  fixed: readonly PlacedNode[],
  neighbours: (node: PlacedNode) => readonly PlacedNode[],
): void {
  const places = new Map(fixed.map((node, index) => [node, index]));
  const means = new Map(
    layer.map((node, index) => {
      const known = neighbours(node).map((one) => places.get(one) ?? 0);
      return [node, known.length === 0 ? index : mean(known)];
    }),
  );
  layer.sort((a, b) => (means.get(a) ?? 0) - (means.get(b) ?? 0));
}

/** Counts the pairs of edges that cross between neighbouring layers. */
function crossings(layers: readonly (readonly PlacedNode[])[]): number {
  let count = 0;
  for (const [index, layer] of layers.entries()) {
    const places = new Map((layers[index + 1] ?? []).map((node, place) => [node, place]));
    const ends = layer.map(({ below }) => below.map((node) => places.get(node) ?? 0));
    for (const [left, from] of ends.entries())
      for (const to of ends.slice(left + 1))
        for (const a of from) count += to.filter((b) => b < a).length;
  }
  return count;
}

/** Moves the nodes of a layer towards their neighbours, without a change of the order. */
function place(
  layer: readonly PlacedNode[],
  neighbours: (node: PlacedNode) => readonly PlacedNode[],
): void {
  const wanted = layer.map((node) => {
    const near = neighbours(node);
    const own = centre(node);
    return near.length === 0 ? own : mean(near.map(centre));
  });
  // An edge looks best straight, so the wish of a bend weighs more.
  const weights = layer.map(({ name }) => (name === null ? 4 : 1));
  const offsets = layer.map(({ width }) => Math.floor((width - 1) / 2));
  const widths = layer.map(({ width }) => width + GAP);
  const lefts = balanced(
    wanted.map((column, index) => column - (offsets[index] ?? 0)),
    weights,
    widths,
  );
  for (const [index, node] of layer.entries()) node.left = lefts[index] ?? 0;
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
}
