/**
 * A graph of tasks: boxes that the keyboard can reach, above the edges between them.
 *
 * Keys: right and left go to the first downstream or upstream task, up and down to the next box of
 * the same column.
 */
import { type ReadonlySignal, useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { IconButton } from "../parts/button.tsx";
import type { GraphLayout } from "./layout.ts";
import { layoutOf } from "./layouts.ts";

/** A node of the graph with its neighbours. */
export interface GraphTask {
  readonly task: string;
  readonly upstream: readonly string[];
  readonly downstream: readonly string[];
}

/** Properties of a graph. Sizes are in pixels before zooming. */
export interface GraphViewProps {
  /** The name of the graph for screen readers. */
  readonly label: string;
  readonly tasks: readonly GraphTask[];
  /** The size of every box; the layout needs it in advance. */
  readonly boxWidth: number;
  readonly boxHeight: number;
  /**
   * The height of the area; a higher graph scrolls. The area has this height before the layout is
   * known, so that the page does not jump.
   */
  readonly height: number;
  /** The content of a task's box. It contains a link or button, which takes the focus. */
  readonly box: (task: string) => ComponentChildren;
  /** The class of an edge. */
  readonly edgeClass?: (from: string, to: string) => string;
  /** True adds buttons for zooming. A graph without them shrinks further to fit. */
  readonly hasZoom?: boolean;
}

/** The smallest scale of a preview, where only the shape of the graph matters. */
const SMALLEST = 0.35;
/** The largest scale by the buttons. */
const LARGEST = 1.5;
/** The smallest scale of a graph with buttons: names stay readable, and the rest scrolls. */
const READABLE = 0.62;
/** Space left of the root, in pixels, when a large graph is first shown. */
const EDGE = 24;

/**
 * Draws the graph, scaled to its area as long as it stays readable. A larger graph scrolls. Arrow
 * keys move the focus along the edges.
 */
export function GraphView(props: GraphViewProps): JSX.Element {
  const { label, tasks, boxWidth, boxHeight, height, hasZoom = false } = props;
  const place = useRef<HTMLDivElement>(null);
  const placeWidth = useSignal(0);
  const chosenZoom = useSignal<number | null>(null);
  // Only names and edges count for the layout: a new status must not compute it again.
  const request = useMemo(
    () => ({
      tasks: tasks.map(({ task, downstream }) => ({ task, downstream })),
      boxWidth,
      boxHeight,
    }),
    [tasks, boxWidth, boxHeight],
  );
  const layout = layoutOf(request);
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => (placeWidth.value = element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, [placeWidth]);
  const first = tasks[0]?.task;
  // The first scroll position is set once; after that the user scrolls.
  const isPlaced = useRef(false);
  useEffect(() => {
    const at = first === undefined ? undefined : layout.value?.boxes[first];
    const element = place.current;
    if (at === undefined || element === null || placeWidth.value === 0 || isPlaced.current) return;
    isPlaced.current = true;
    // A graph that does not fit shows its root first, wherever the layout has placed it.
    element.scrollTop = (at.y + boxHeight / 2) * zoom - height / 2;
    element.scrollLeft = at.x * zoom - EDGE;
  });
  const fit = fitOf(layout.value, placeWidth.value, height, hasZoom);
  const zoom = chosenZoom.value ?? fit;
  const move = (event: KeyboardEvent): void => moveFocus(event, tasks, layout.value);
  return (
    <div class="graph">
      {/* It scrolls, so it can have the focus; the boxes inside have their own. */}
      <div
        ref={place}
        class="graph-place"
        style={{ height: `${height}px` }}
        role="group"
        aria-label={label}
        tabIndex={0}
        onKeyDown={move}
      >
        {layout.value === null && <span class="muted small">Laying out {tasks.length} tasks…</span>}
        {layout.value !== null && placeWidth.value > 0 && (
          <div
            class="graph-canvas"
            style={{
              width: `${layout.value.width * zoom}px`,
              height: `${layout.value.height * zoom}px`,
            }}
          >
            <div class="graph-scaled" style={{ transform: `scale(${zoom})` }}>
              <Edges
                layout={layout.value}
                {...(props.edgeClass && { edgeClass: props.edgeClass })}
              />
              <Boxes layout={layout} {...props} />
            </div>
          </div>
        )}
      </div>
      {hasZoom && (
        <div class="graph-zoom" role="group" aria-label="Zoom">
          <IconButton
            icon="plus"
            label="Enlarge"
            size={13}
            onClick={() => (chosenZoom.value = Math.min(LARGEST, zoom * 1.25))}
          />
          <IconButton
            icon="minus"
            label="Reduce"
            size={13}
            onClick={() => (chosenZoom.value = Math.max(SMALLEST / 2, zoom / 1.25))}
          />
          <IconButton icon="fit" label="Fit" size={13} onClick={() => (chosenZoom.value = null)} />
        </div>
      )}
    </div>
  );
}

/** Computes the scale that shows the whole graph, within the limits of its kind. */
function fitOf(
  layout: GraphLayout | null,
  width: number,
  height: number,
  isLarge: boolean,
): number {
  if (layout === null) return 1;
  const most = Math.min(width / layout.width, height / layout.height);
  return Math.max(isLarge ? READABLE : SMALLEST, Math.min(1, most));
}

/** Draws the edges. Screen readers skip them; the arrow keys follow them. */
function Edges({
  layout,
  edgeClass,
}: {
  readonly layout: GraphLayout;
  readonly edgeClass?: (from: string, to: string) => string;
}): JSX.Element {
  return (
    <svg class="graph-edges" width={layout.width} height={layout.height} aria-hidden="true">
      {layout.edges.map(({ from, to, path }) => (
        <path key={`${from}\n${to}`} d={path} class={edgeClass?.(from, to) ?? ""} />
      ))}
    </svg>
  );
}

/**
 * Draws the boxes once per layout. A box reads its own signals, so a change of status draws one
 * box.
 */
function Boxes({
  layout,
  tasks,
  boxWidth,
  boxHeight,
  box,
}: GraphViewProps & { readonly layout: ReadonlySignal<GraphLayout | null> }): JSX.Element {
  const places = useComputed(() => layout.value?.boxes ?? {});
  return (
    <>
      {tasks.map(({ task }) => {
        const at = places.value[task];
        return (
          at !== undefined && (
            <div
              key={task}
              class="graph-box"
              data-task={task}
              style={{
                left: `${at.x}px`,
                top: `${at.y}px`,
                width: `${boxWidth}px`,
                height: `${boxHeight}px`,
              }}
            >
              {box(task)}
            </div>
          )
        );
      })}
    </>
  );
}

/** Moves the focus: right and left along the edges, up and down within a column. */
function moveFocus(
  event: KeyboardEvent,
  tasks: readonly GraphTask[],
  layout: GraphLayout | null,
): void {
  const place = event.currentTarget;
  const from = event.target instanceof Element ? event.target.closest("[data-task]") : null;
  const name = from instanceof HTMLElement ? from.dataset["task"] : undefined;
  const task = tasks.find((candidate) => candidate.task === name);
  if (task === undefined || layout === null || !(place instanceof Element)) return;
  const to = neighbourOf(task, event.key, layout);
  if (to === undefined) return;
  event.preventDefault();
  const box = [...place.querySelectorAll<HTMLElement>("[data-task]")].find(
    ({ dataset }) => dataset["task"] === to,
  );
  box?.querySelector<HTMLElement>("a, button")?.focus();
  box?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

/**
 * Finds the task in the direction of an arrow key. Boxes of a column have the same x but for
 * rounding.
 */
function neighbourOf(task: GraphTask, key: string, layout: GraphLayout): string | undefined {
  const here = layout.boxes[task.task];
  if (here === undefined) return undefined;
  if (key === "ArrowRight") return task.downstream[0];
  if (key === "ArrowLeft") return task.upstream[0];
  if (key !== "ArrowDown" && key !== "ArrowUp") return undefined;
  const sign = key === "ArrowDown" ? 1 : -1;
  const inColumn = Object.entries(layout.boxes)
    .filter(([, { x, y }]) => Math.abs(x - here.x) < 2 && (y - here.y) * sign > 0)
    .toSorted(([, a], [, b]) => (a.y - b.y) * sign);
  return inColumn[0]?.[0];
}
