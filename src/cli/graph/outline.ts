/** Renders a wide graph as an outline or, if the outline is too deep, as a list of edges. */
import type { Piece } from "./canvas.ts";
import { depthsOf, type DrawnTask } from "./layered-graph.ts";

/** The columns of a step of the outline. */
const STEP = 3;
/** The part of the width that lines may take; the rest is for names. */
const MAX_INDENT = 0.6;

/** Renders the outline, in which each task stands below the deepest of the upstream tasks. */
export function outlineLines(tasks: readonly DrawnTask[], width: number): Piece[][] {
  const lines = outline(tasks, width);
  return lines ?? edgeList(tasks, width);
}

/** A task that is still to be written. */
interface Branch {
  readonly name: string;
  /** The lines in front of the entry, and in front of what is below it. */
  readonly before: string;
  readonly inner: string;
}

/** Renders the outline, or returns null if it is too deep for this width. */
function outline(tasks: readonly DrawnTask[], width: number): Piece[][] | null {
  const byName = new Map(tasks.map((task) => [task.name, task]));
  const owners = ownersOf(tasks);
  const roots = tasks.filter(({ name }) => !owners.has(name));
  const lines: Piece[][] = [];
  // The last is written next. Long chains would exhaust the call stack.
  const open: Branch[] = roots.toReversed().map(({ name }) => ({ name, before: "", inner: "" }));
  for (let branch = open.pop(); branch !== undefined; branch = open.pop()) {
    const { name, before, inner } = branch;
    if (before.length > width * MAX_INDENT) return null;
    const children = [...new Set(byName.get(name)?.downstream)];
    const own = children.filter((child) => owners.get(child) === name);
    const others = children.filter((child) => owners.get(child) !== name);
    const head = before.length + name.length;
    const [also = "", ...more] = listLines(others, "  → ", width - head, width - inner.length);
    lines.push([
      { text: before, isLine: true },
      { text: name, isLine: false },
      { text: also, isLine: true },
    ]);
    for (const text of more) lines.push([{ text: `${inner}${text}`, isLine: true }]);
    for (const [index, child] of own.entries().toArray().toReversed()) {
      const isLast = index === own.length - 1;
      open.push({
        name: child,
        before: `${inner}${isLast ? "└─ " : "├─ "}`,
        inner: `${inner}${isLast ? " ".repeat(STEP) : `│${" ".repeat(STEP - 1)}`}`,
      });
    }
  }
  return lines;
}

/** Chooses the upstream task below which each task stands: the deepest, so that joins come last. */
function ownersOf(tasks: readonly DrawnTask[]): Map<string, string> {
  const depths = depthsOf(tasks);
  const owners = new Map<string, string>();
  for (const { name, downstream } of tasks)
    for (const child of downstream) {
      const owner = owners.get(child);
      const isDeeper = owner === undefined || (depths.get(name) ?? 0) >= (depths.get(owner) ?? 0);
      if (isDeeper) owners.set(child, name);
    }
  return owners;
}

/** Lists each task with the tasks below it. */
function edgeList(tasks: readonly DrawnTask[], width: number): Piece[][] {
  return tasks.flatMap(({ name, downstream }): Piece[][] => {
    const [also = "", ...more] = listLines(downstream, " → ", width - name.length, width);
    const rest = more.map((text) => [{ text, isLine: true }]);
    return [
      [
        { text: name, isLine: false },
        { text: also, isLine: true },
      ],
      ...rest,
    ];
  });
}

/**
 * Lists names behind an arrow, in lines of these widths: the first, which continues a line, and
 * the others. Returns no line without names.
 */
function listLines(
  names: readonly string[],
  arrow: string,
  first: number,
  others: number,
): string[] {
  const lines: string[] = [];
  for (const name of names) {
    const last = lines.at(-1);
    const limit = lines.length === 1 ? first : others;
    const longer = last === undefined ? `${arrow}${name}` : `${last}, ${name}`;
    if (last === undefined && longer.length > first) lines.push("", `${arrow}${name}`);
    else if (last === undefined) lines.push(longer);
    else if (longer.length <= limit) lines[lines.length - 1] = longer;
    else lines.push(`${arrow}${name}`);
  }
  return lines;
}
