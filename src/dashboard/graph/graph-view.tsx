/** A graph of tasks: boxes that can be reached by the keyboard, over the lines between them. */
import type { ReadonlySignal } from "@preact/signals";
import { useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Icon } from "../parts/icon.tsx";
import type { GraphLayout } from "./layout.ts";
import { layoutOf } from "./layouts.ts";

export interface GraphTask {
  readonly task: string;
  readonly upstream: readonly string[];
  readonly downstream: readonly string[];
}

export interface GraphViewProps {
  readonly label: string;
  readonly tasks: readonly GraphTask[];
  readonly boxWidth: number;
  readonly boxHeight: number;
  /** In pixels: what is higher scrolls. The place is kept while the layout is made. */
  readonly height: number;
  /** What stands in the box of a task; an element that can have the focus. */
  readonly box: (task: string) => ComponentChildren;
  /** The class of the line between two tasks. */
  readonly edgeClass?: (from: string, to: string) => string;
  /** Buttons to enlarge and reduce. */
  readonly hasZoom?: boolean;
}

const SMALLEST = 0.35;
const LARGEST = 1.5;
const READABLE = 0.62;
const EDGE = 24;

/** Fits into its place as long as it stays readable; what is larger scrolls. Arrow keys follow the lines. */
export function GraphView(props: GraphViewProps): JSX.Element {
  const { label, tasks, boxWidth, boxHeight, height, hasZoom = false } = props;
  const place = useRef<HTMLDivElement>(null);
  const placeWidth = useSignal(0);
  const chosenZoom = useSignal<number | null>(null);
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
  const isPlaced = useRef(false);
  useEffect(() => {
    const at = first === undefined ? undefined : layout.value?.boxes[first];
    const element = place.current;
    if (at === undefined || element === null || placeWidth.value === 0 || isPlaced.current) return;
    isPlaced.current = true;
    // What does not fit begins at its root, wherever the layout has put that.
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
          <button
            type="button"
            class="icon-button"
            aria-label="Enlarge"
            onClick={() => (chosenZoom.value = Math.min(LARGEST, zoom * 1.25))}
          >
            <Icon name="plus" size={13} />
          </button>
          <button
            type="button"
            class="icon-button"
            aria-label="Reduce"
            onClick={() => (chosenZoom.value = Math.max(SMALLEST / 2, zoom / 1.25))}
          >
            <Icon name="minus" size={13} />
          </button>
          <button
            type="button"
            class="icon-button"
            aria-label="Fit"
            onClick={() => (chosenZoom.value = null)}
          >
            <Icon name="fit" size={13} />
          </button>
        </div>
      )}
    </div>
  );
}

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

/** They are drawn once for a layout: what changes in a box are the signals that it reads itself. */
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

/** Right and left follow the lines, up and down go to the box above and below. */
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
