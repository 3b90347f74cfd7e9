/**
 * Draws the graph of the tasks in a terminal: from top to bottom, each task below its upstream
 * tasks. A graph that is too wide is an outline, in which each task stands once in full; a graph
 * whose outline is too wide is a list of edges.
 */
import type { Terminal } from "../command.ts";
import { paint } from "../table.ts";
import { Canvas, DOWN, LEFT, type Piece, RIGHT, UP } from "./canvas.ts";
import { columnsOf, type EdgeLine, edgeLines } from "./edge-rows.ts";
import { type DrawnTask, placeInLayers, type PlacedNode } from "./layered-graph.ts";
import { outlineLines } from "./outline.ts";

/** The width without a terminal, in characters. */
const WIDTH = 80;
/** Larger graphs are no longer legible as a drawing. */
const MAX_TASKS = 60;
const MAX_EDGES = 150;

/** Renders the graph of tasks without a cycle. `colour` paints the name of a task. */
export function drawGraph(
  tasks: readonly DrawnTask[],
  terminal: Terminal,
  colour: (name: string, text: string) => string = (_, text) => text,
): string {
  const width = terminal.columns ?? WIDTH;
  const edges = tasks.reduce((sum, { downstream }) => sum + downstream.length, 0);
  const isSmall = tasks.length <= MAX_TASKS && edges <= MAX_EDGES;
  const layers = isSmall ? placeInLayers(tasks) : [];
  const isNarrow = layers.flat().every(({ left, width: own }) => left + own <= width);
  const rows = isSmall && isNarrow ? drawLayers(layers) : null;
  const style = ({ text, isLine }: Piece): string =>
    isLine ? paint(text, "gray", terminal) : colour(text.trim(), text);
  return (rows ?? outlineLines(tasks, width))
    .map((pieces) => pieces.map(style).join("").trimEnd())
    .join("\n");
}

/** Draws layers and the edges between them; null if lines of different edges would be one. */
function drawLayers(layers: readonly (readonly PlacedNode[])[]): Piece[][] | null {
  const canvas = new Canvas();
  let row = 0;
  for (const layer of layers) {
    const lines = edgeLines(layer);
    if (lines === null) return null;
    for (const node of layer)
      if (node.name === null) canvas.line(row, node.left, UP | DOWN, node);
      else canvas.write(row, node.left + ((node.width - node.name.length) >> 1), node.name);
    const height = Math.max(0, ...lines.map((line) => (line.row ?? -1) + 1));
    for (const line of lines) drawLine(canvas, line, row + 1, height);
    row += lines.length === 0 ? 1 : height + 2;
  }
  return canvas.rows();
}

/** Draws a line with its branches, from below the names to the arrow heads. */
function drawLine(canvas: Canvas, line: EdgeLine, top: number, height: number): void {
  const { starts, ends, row: own } = line;
  const turn = top + (own ?? 0);
  const bottom = top + height;
  if (own !== null) {
    const [first, last] = columnsOf(line);
    for (const column of starts) {
      for (let row = top; row < turn; row++) canvas.line(row, column, UP | DOWN, line);
      canvas.line(turn, column, UP, line);
    }
    for (let column = first; column < last; column++) {
      canvas.line(turn, column, RIGHT, line);
      canvas.line(turn, column + 1, LEFT, line);
    }
    for (const { column } of ends) canvas.line(turn, column, DOWN, line);
  }
  for (const { node, column } of ends) {
    const start = own === null ? top : turn + 1;
    for (let row = start; row < bottom; row++) canvas.line(row, column, UP | DOWN, line);
    if (node.name === null) canvas.line(bottom, column, UP | DOWN, line);
    else canvas.write(bottom, column, "▼");
  }
}
