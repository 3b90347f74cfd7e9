/** The boxes of a graph: tasks, closed groups, and the frames of open groups. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { formatCount } from "../format.ts";
import { Icon } from "../parts/icon.tsx";
import type { GraphNode } from "./groups.ts";
import type { View } from "./lines.tsx";
import type { Scene, Shape } from "./scene.ts";

/** Properties of the boxes. */
interface BoxesProps {
  readonly scene: Scene;
  readonly zoom: number;
  /** The part in which boxes are drawn; null draws all. */
  readonly view: View | null;
  readonly box: (task: string) => ComponentChildren;
  readonly groupNote?: (node: GraphNode) => ComponentChildren;
  /** Opens or closes a group. Absent: groups stay closed. */
  readonly onToggle?: (node: GraphNode) => void;
}

/** The most edges that are lit at once. */
const MOST_LIT = 400;

/**
 * Draws the boxes near the visible part. A box reads its own signals, so a change of status draws
 * one box. The edges of the box under the pointer or with the focus are lit.
 */
export function Boxes({ scene, zoom, view, ...content }: BoxesProps): JSX.Element {
  const lit = useSignal<string | null>(null);
  const seen = view === null ? scene.shapes : scene.shapes.filter((shape) => isIn(shape, view));
  const light = (event: Event): void => {
    const at = event.target instanceof Element ? event.target.closest("[data-task]") : null;
    const id = at instanceof HTMLElement ? at.dataset["task"] : undefined;
    lit.value = id === undefined ? null : (scene.nodeOf.get(id)?.id ?? id);
  };
  return (
    <div
      class="graph-scaled"
      style={{ transform: `scale(${zoom})` }}
      onPointerOver={light}
      onPointerLeave={() => (lit.value = null)}
      onFocusCapture={light}
    >
      {lit.value !== null && <LitEdges scene={scene} id={lit.value} />}
      {seen.map((shape) => (
        <div
          key={shape.id}
          class={`graph-box graph-${shape.kind}`}
          data-task={shape.id}
          style={{
            left: `${shape.x}px`,
            top: `${shape.y}px`,
            width: `${shape.width}px`,
            height: `${shape.height}px`,
          }}
        >
          {shape.kind === "task" ? content.box(shape.id) : <Group shape={shape} {...content} />}
        </div>
      ))}
    </div>
  );
}

/** Tests if a shape meets the part. */
function isIn({ x, y, width, height }: Shape, view: View): boolean {
  return x < view.right && y < view.bottom && x + width > view.left && y + height > view.top;
}

/** Draws the edges of one box above the others. */
function LitEdges({ scene, id }: { readonly scene: Scene; readonly id: string }): JSX.Element {
  const edges = scene.edges.filter(({ from, to }) => from === id || to === id).slice(0, MOST_LIT);
  return (
    <svg class="graph-lit" width={scene.width} height={scene.height} aria-hidden="true">
      {edges.map(({ from, to, points }) => (
        <path key={`${from}\n${to}`} d={pathOf(points)} />
      ))}
    </svg>
  );
}

/** The path of an edge: a curve that is level at each of its points. */
function pathOf(points: readonly number[]): string {
  let [x = 0, y = 0] = points;
  let text = `M${x} ${y}`;
  for (let at = 2; at + 1 < points.length; at += 2) {
    const nextX = points[at] ?? 0;
    const nextY = points[at + 1] ?? 0;
    const bend = (nextX - x) / 2;
    text += `C${x + bend} ${y} ${nextX - bend} ${nextY} ${nextX} ${nextY}`;
    [x, y] = [nextX, nextY];
  }
  return text;
}

/** A group: its name and count, as a box of its own or above the block of its tasks. */
function Group({
  shape,
  groupNote,
  onToggle,
}: Pick<BoxesProps, "groupNote" | "onToggle"> & { readonly shape: Shape }): JSX.Element {
  const { node, kind } = shape;
  const isOpen = kind === "frame";
  const text = (
    <>
      <span class="group-title">
        {onToggle !== undefined && <Icon name={isOpen ? "minus" : "plus"} size={13} />}
        <span class="ellipsis">{node.name}</span>{" "}
        <span class="group-count">× {formatCount(node.tasks.length)}</span>
      </span>
      {!isOpen && groupNote?.(node)}
    </>
  );
  if (onToggle === undefined) return <span class="group-box">{text}</span>;
  return (
    <button
      type="button"
      class={isOpen ? "frame-title" : "group-box"}
      aria-expanded={isOpen}
      title={isOpen ? "Close the group" : "Open the group"}
      onClick={() => onToggle(node)}
    >
      {text}
    </button>
  );
}
