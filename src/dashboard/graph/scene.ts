/**
 * The scene of a graph: each task, closed group and open group with its place. Pure.
 *
 * An open group is a frame around a block of its tasks. Edges lead to the frame: between the tasks
 * of two groups there may be thousands.
 */
import type { GraphNode } from "./groups.ts";
import type { Box, Edge, GraphLayout, LayoutRequest } from "./layout.ts";

/** A thing to draw. `group` is a closed group, `frame` an open one behind its tasks. */
export interface Shape extends Box {
  readonly kind: "task" | "group" | "frame";
  /** The task's name, or the id of the group. */
  readonly id: string;
  readonly node: GraphNode;
}

/** The shapes and edges of a graph, in pixels before zooming. */
export interface Scene {
  readonly width: number;
  readonly height: number;
  /** The shapes to draw. A frame is before its tasks. */
  readonly shapes: readonly Shape[];
  /** The shapes by id. */
  readonly shapeOf: ReadonlyMap<string, Shape>;
  /** The node of each task. */
  readonly nodeOf: ReadonlyMap<string, GraphNode>;
  readonly edges: readonly Edge[];
}

/** The size of a task's box in pixels. */
export interface BoxSize {
  readonly width: number;
  readonly height: number;
}

/** The height of a frame's title, and the space within the frame, in pixels. */
const TITLE = 34;
const PADDING = 12;
/** The gaps between the boxes of a frame, in pixels. */
const GAP = 12;
/** The shape of a block of tasks: this much wider than high. */
const RATIO = 1.6;

/** The request of a layout: an open group needs the space of its block. */
export function requestOf(
  nodes: readonly GraphNode[],
  open: ReadonlySet<string>,
  { width, height }: BoxSize,
): LayoutRequest {
  return {
    nodes: nodes.map(({ id, tasks, downstream }) => ({
      id,
      ...(open.has(id) ? frameSize(tasks.length, { width, height }) : { width, height }),
      downstream,
    })),
    // Gaps are in proportion to the boxes, so that small previews and large graphs look alike.
    rowGap: Math.round(height * 0.4),
    columnGap: Math.round(width * 0.32),
  };
}

/** Places everything by its layout. */
export function sceneOf(
  nodes: readonly GraphNode[],
  open: ReadonlySet<string>,
  layout: GraphLayout,
  size: BoxSize,
): Scene {
  const shapes: Shape[] = [];
  const nodeOf = new Map<string, GraphNode>();
  for (const node of nodes) {
    for (const task of node.tasks) nodeOf.set(task, node);
    const box = layout.boxes.get(node.id);
    if (box === undefined) continue;
    const { id } = node;
    if (node.tasks.length === 1) shapes.push({ kind: "task", id, node, ...box });
    else if (!open.has(id)) shapes.push({ kind: "group", id, node, ...box });
    else shapes.push({ kind: "frame", id, node, ...box }, ...blockOf(node, box, size));
  }
  const { width, height, edges } = layout;
  return { width, height, shapes, shapeOf: byId(shapes), nodeOf, edges };
}

/** Finds shapes by their ids. */
function byId(shapes: readonly Shape[]): ReadonlyMap<string, Shape> {
  return new Map(shapes.map((shape) => [shape.id, shape]));
}

/** The tasks of an open group, row by row. */
function blockOf(node: GraphNode, frame: Box, { width, height }: BoxSize): Shape[] {
  const columns = columnsOf(node.tasks.length, { width, height });
  return node.tasks.map((task, index) => ({
    kind: "task",
    id: task,
    node,
    x: frame.x + PADDING + (index % columns) * (width + GAP),
    y: frame.y + TITLE + Math.floor(index / columns) * (height + GAP),
    width,
    height,
  }));
}

/** The number of columns of a block. */
function columnsOf(count: number, { width, height }: BoxSize): number {
  const fair = Math.sqrt((count * (height + GAP) * RATIO) / (width + GAP));
  return Math.max(1, Math.round(fair));
}

/** The size of the frame around a block, in pixels. */
function frameSize(count: number, size: BoxSize): BoxSize {
  const columns = columnsOf(count, size);
  const rows = Math.ceil(count / columns);
  return {
    width: 2 * PADDING + columns * (size.width + GAP) - GAP,
    height: TITLE + PADDING + rows * (size.height + GAP) - GAP,
  };
}

/** The rows of the fullest column: known before the layout, so that the page does not jump. */
export function rowsOf(nodes: readonly GraphNode[]): number {
  const depths = new Map<string, number>();
  const counts = new Map<number, number>();
  // Nodes are in topological order but for groups, whose depth may then be too small.
  for (const { id, upstream } of nodes) {
    let depth = 0;
    for (const name of upstream) depth = Math.max(depth, (depths.get(name) ?? -1) + 1);
    depths.set(id, depth);
    counts.set(depth, (counts.get(depth) ?? 0) + 1);
  }
  return Math.max(1, ...counts.values());
}

/** Directions of the arrow keys. */
export type Arrow = "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown";

/**
 * Finds the shape in the direction of an arrow key: within a block the neighbouring task, else
 * along an edge, or the next shape of the same column.
 */
export function neighbourOf(scene: Scene, from: Shape, key: Arrow): Shape | undefined {
  const isAcross = key === "ArrowLeft" || key === "ArrowRight";
  const sign = key === "ArrowRight" || key === "ArrowDown" ? 1 : -1;
  const isInBlock = from.kind === "task" && from.node.tasks.length > 1;
  const isBeside = (shape: Shape): boolean =>
    isAcross
      ? isInBlock && shape.node === from.node && shape.kind === "task" && shape.y === from.y
      : Math.abs(shape.x + shape.width / 2 - from.x - from.width / 2) < 2;
  let found: Shape | undefined;
  let nearest = Number.POSITIVE_INFINITY;
  for (const shape of scene.shapes) {
    if (shape === from || !isBeside(shape)) continue;
    const distance = (isAcross ? shape.x - from.x : shape.y - from.y) * sign;
    if (distance > 0 && distance < nearest) [found, nearest] = [shape, distance];
  }
  if (found !== undefined || !isAcross) return found;
  const next = sign === 1 ? from.node.downstream[0] : from.node.upstream[0];
  return next === undefined ? undefined : scene.shapeOf.get(next);
}
