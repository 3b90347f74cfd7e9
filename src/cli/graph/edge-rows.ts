/** Gives the edges between two layers their columns and rows. */
import { centre, edgeGroups, type PlacedNode } from "./layered-graph.ts";

/** The edges of a group with their places. A group is drawn as a single line with branches. */
export interface EdgeLine {
  /** The columns of the nodes above. */
  readonly starts: readonly number[];
  readonly ends: readonly End[];
  /** The row from 0; null for a single edge straight down, which needs none. */
  row: number | null;
}

/** The end of a line at a node. Lines of different groups end in different columns. */
interface End {
  readonly node: PlacedNode;
  readonly column: number;
}

/** The columns between two lines that end at one node. */
const BESIDE = 2;

/**
 * Gives each line a row in which no other line covers its columns. A line that leaves a column ends
 * above another line that enters the column. Returns null if no order of rows can do that.
 */
export function edgeLines(layer: readonly PlacedNode[]): EdgeLine[] | null {
  const lines = linesOf(layer);
  const bent = lines.filter((line) => {
    const [first, last] = columnsOf(line);
    return first !== last;
  });
  const above = new Map(bent.map((line) => [line, bent.filter((other) => mustLead(other, line))]));
  const left = new Set(bent);
  while (left.size > 0) {
    const next = [...left].find((line) => above.get(line)?.every((one) => !left.has(one)));
    if (next === undefined) return null;
    left.delete(next);
    const rows = (above.get(next) ?? []).map(({ row }) => (row ?? 0) + 1);
    next.row = freeRow(next, lines, Math.max(0, ...rows));
  }
  return lines;
}

/** Finds where the lines of a layer begin and end. Lines to one node end beside each other. */
function linesOf(layer: readonly PlacedNode[]): EdgeLine[] {
  const groups = edgeGroups(layer).map(({ from, to }) => ({ starts: from.map(centre), to }));
  // Lines from further left end further left, without crossing.
  const ordered = groups.toSorted((a, b) => mean(a.starts) - mean(b.starts));
  const column = (node: PlacedNode, group: (typeof groups)[number]): number => {
    const all = ordered.filter(({ to }) => to.includes(node));
    return centre(node) + all.indexOf(group) * BESIDE - (all.length - 1);
  };
  return groups.map((group) => {
    const ends = group.to.map((node) => ({ node, column: column(node, group) }));
    return { starts: group.starts, ends, row: null };
  });
}

/** Tests if a line leaves a column that another line enters: then the row must be above. */
function mustLead(line: EdgeLine, other: EdgeLine): boolean {
  return line !== other && other.ends.some(({ column }) => line.starts.includes(column));
}

/** Finds the first row from `least` on in which no other line overlaps. */
function freeRow(line: EdgeLine, lines: readonly EdgeLine[], least: number): number {
  const [first, last] = columnsOf(line);
  for (let row = least; ; row++) {
    const isFree = lines.every((other) => {
      const [start, end] = columnsOf(other);
      return other.row !== row || end < first || start > last;
    });
    if (isFree) return row;
  }
}

/** The first and the last column that a line covers. */
export function columnsOf({ starts, ends }: EdgeLine): readonly [number, number] {
  const columns = [...starts, ...ends.map(({ column }) => column)];
  return [Math.min(...columns), Math.max(...columns)];
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
}
