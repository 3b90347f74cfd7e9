/**
 * A graph of tasks at any size: boxes that the keyboard can reach, above the edges between them.
 *
 * - Only what is near the visible part is drawn; a graph of 5,000 tasks scrolls as one of fifty.
 * - Tasks of a fan-out are one box with a count (groups.ts), which opens to a block of its tasks.
 * - Zoomed out so far that nothing can be read, the boxes are rectangles in the colour of their
 *   status, and a click comes nearer.
 *
 * Keys: right and left go along an edge, up and down to the next box of the column; + and - zoom,
 * 0 shows the whole.
 */
import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { TaskStatus } from "../../domain/statuses.ts";
import { Button } from "../parts/button.tsx";
import { Boxes } from "./boxes.tsx";
import { GraphTools } from "./graph-tools.tsx";
import { type GraphNode, type GraphTask, groupTasks } from "./groups.ts";
import { layoutOf, layOutAgain } from "./layouts.ts";
import { Lines, type View } from "./lines.tsx";
import {
  type Arrow,
  neighbourOf,
  requestOf,
  rowsOf,
  type Scene,
  sceneOf,
  type Shape,
} from "./scene.ts";

export type { GraphTask } from "./groups.ts";

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
  /** The height up to which the area grows with the graph. Default: `height`. */
  readonly tallest?: number;
  /** The content of a task's box. It contains a link or button, which takes the focus. */
  readonly box: (task: string) => ComponentChildren;
  /** The content of a closed group below its name. */
  readonly groupNote?: (node: GraphNode) => ComponentChildren;
  /** The status of a task, which colours the graph from afar; it reads a signal. */
  readonly statusOf?: (task: string) => TaskStatus | null;
  /**
   * The failed tasks, or others that matter most: the graph opens at the first, and a button leads
   * from one to the next.
   */
  readonly failed?: readonly string[];
  /** True adds search and zoom, and lets groups open. A graph without them shrinks to fit. */
  readonly hasZoom?: boolean;
}

/** The largest scale by the buttons. */
const LARGEST = 1.5;
/** The smallest scale at which a graph is shown whole at first: names stay readable. */
const READABLE = 0.62;
/** The first scale of a graph that does not fit, and the scale after a click from afar. */
const NEAR = 0.85;
/** The smallest scale in an area below `NARROW` pixels, such as a phone: texts have 11 pixels. */
const NEAR_NARROW = 0.92;
const NARROW = 520;
/** Below this scale boxes are rectangles without text. */
const OVERVIEW = 0.34;
/** Graphs up to this number of boxes have all of them in the document, for screen readers. */
const ALL_DRAWN = 120;
/** Statuses of a task at work. */
const ACTIVE: ReadonlySet<string> = new Set(["running", "retrying", "waiting"]);
/** Space left of the root, in pixels, when a large graph is first shown. */
const EDGE = 24;
/** The visible part is rounded out to this many pixels, so that scrolling seldom draws. */
const ROUND = 128;
/** The number of frames in which a box must appear that is to have the focus. */
const FOCUS_FRAMES = 30;

/** Draws the graph, scaled to its area as long as it stays readable. A larger graph scrolls. */
export function GraphView(props: GraphViewProps): JSX.Element {
  const { label, tasks, boxWidth, boxHeight, failed = [], hasZoom = false } = props;
  const place = useRef<HTMLDivElement>(null);
  const size = useSignal({ width: 0, height: 0 });
  // In pixels of the screen: of the same size at every scale.
  const area = useSignal<View | null>(null);
  const chosenZoom = useSignal<number | null>(null);
  const open = useSignal<ReadonlySet<string>>(new Set());
  const nodes = useMemo(() => groupTasks(tasks), [tasks]);
  const box = useMemo(() => ({ width: boxWidth, height: boxHeight }), [boxWidth, boxHeight]);
  // Only names and edges count for the layout: a new status must not compute it again.
  const request = useMemo(() => requestOf(nodes, open.value, box), [nodes, open.value, box]);
  const state = layoutOf(request).value;
  const last = useRef<{ readonly nodes: readonly GraphNode[]; readonly scene: Scene } | null>(null);
  const fresh = useMemo(
    () => (state === null || state === "failed" ? null : sceneOf(nodes, open.peek(), state, box)),
    [nodes, state, box, open],
  );
  // While an opened group is laid out, the graph stays as it was.
  if (fresh !== null) last.current = { nodes, scene: fresh };
  const scene = last.current?.nodes === nodes ? last.current.scene : null;
  const tallest = Math.max(props.height, props.tallest ?? 0);
  const height =
    open.value.size > 0
      ? tallest
      : Math.min(tallest, Math.max(props.height, rowsOf(nodes) * boxHeight * 1.4 + 24));
  const fit =
    scene === null || size.value.width === 0
      ? 1
      : Math.min(1, size.value.width / scene.width, height / scene.height);
  const isNarrow = size.value.width < NARROW;
  const near = isNarrow ? NEAR_NARROW : NEAR;
  const isWhole = isNarrow ? fit >= NEAR_NARROW : fit >= READABLE || !hasZoom;
  const zoom = chosenZoom.value ?? (isWhole ? fit : near);
  const isOverview = zoom < OVERVIEW && tasks.length > ALL_DRAWN / 2;
  const view = area.value === null ? null : scaled(area.value, 1 / zoom);
  const shown = useRef<string | null>(null);

  /** Notes which part is visible, rounded out. */
  const look = (): void => {
    const element = place.current;
    if (element === null) return;
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = element;
    const next = {
      left: (Math.floor(scrollLeft / ROUND) - 1) * ROUND,
      top: (Math.floor(scrollTop / ROUND) - 1) * ROUND,
      right: (Math.ceil((scrollLeft + clientWidth) / ROUND) + 1) * ROUND,
      bottom: (Math.ceil((scrollTop + clientHeight) / ROUND) + 1) * ROUND,
    };
    const { left, top, right, bottom } = area.peek() ?? {};
    if (left === next.left && top === next.top && right === next.right && bottom === next.bottom)
      return;
    area.value = next;
  };
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => {
      size.value = { width: element.clientWidth, height: element.clientHeight };
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [size]);
  // Zooming keeps the middle where it is.
  const lastZoom = useRef(zoom);
  useLayoutEffect(() => {
    const element = place.current;
    const ratio = zoom / lastZoom.current;
    lastZoom.current = zoom;
    if (element !== null && ratio !== 1) {
      const { clientWidth, clientHeight } = element;
      element.scrollLeft = (element.scrollLeft + clientWidth / 2) * ratio - clientWidth / 2;
      element.scrollTop = (element.scrollTop + clientHeight / 2) * ratio - clientHeight / 2;
    }
    look();
  }, [zoom, size.value, scene]);

  /** Scrolls to a shape, and gives it the focus if asked. */
  const reach = (shape: Shape, hasFocus: boolean): void => {
    const element = place.current;
    if (element === null) return;
    const scale = !hasZoom || zoom >= READABLE ? zoom : near;
    if (scale !== zoom) chosenZoom.value = scale;
    const id = shape.id;
    const settle = (frames: number): void => {
      const { clientWidth, clientHeight } = element;
      const [x, y] = [shape.x * scale, shape.y * scale];
      const isSeen =
        x >= element.scrollLeft &&
        x + shape.width * scale <= element.scrollLeft + clientWidth &&
        y >= element.scrollTop &&
        y + Math.min(clientHeight, shape.height * scale) <= element.scrollTop + clientHeight;
      if (!isSeen) {
        element.scrollLeft = x - Math.max(EDGE, (clientWidth - shape.width * scale) / 2);
        element.scrollTop = y - Math.max(EDGE, (clientHeight - shape.height * scale) / 2);
      }
      if (!hasFocus) return;
      const target = [...element.querySelectorAll<HTMLElement>("[data-task]")]
        .find(({ dataset }) => dataset["task"] === id)
        ?.querySelector<HTMLElement>("a, button");
      if (target) target.focus({ preventScroll: true });
      // The box is drawn in one of the next frames.
      else if (frames > 0) requestAnimationFrame(() => settle(frames - 1));
    };
    // At once where possible: the next key may come before the next frame.
    if (scale === zoom) settle(FOCUS_FRAMES);
    else requestAnimationFrame(() => settle(FOCUS_FRAMES));
  };
  /** The task to go to once its group is open. */
  const wanted = useRef<string | null>(null);
  /** Goes to a task; a closed group opens first. */
  const go = (task: string): void => {
    const shape = scene?.shapeOf.get(task);
    const node = scene?.nodeOf.get(task);
    if (shape !== undefined) return reach(shape, true);
    if (node === undefined) return;
    wanted.current = task;
    open.value = new Set([...open.peek(), node.id]);
  };
  useEffect(() => {
    const shape = wanted.current === null ? undefined : scene?.shapeOf.get(wanted.current);
    if (shape === undefined) return;
    wanted.current = null;
    reach(shape, true);
  });
  useEffect(() => {
    // The first place is set once; after that the user scrolls. A new failure changes nothing.
    if (scene === null || size.value.width === 0 || shown.current !== null) return;
    const active = tasks.find(({ task }) => ACTIVE.has(props.statusOf?.(task) ?? ""))?.task;
    const first = failed[0] ?? active ?? tasks[0]?.task ?? "";
    shown.current = first;
    const shape = scene.shapeOf.get(first) ?? scene.shapeOf.get(scene.nodeOf.get(first)?.id ?? "");
    if (shape === undefined || place.current === null) return;
    // A graph that does not fit shows its failure, what is at work or its root, wherever the layout
    // has placed it.
    const besides = Math.max(EDGE, (size.value.width - shape.width * zoom) / 2);
    place.current.scrollTop = (shape.y + shape.height / 2) * zoom - height / 2;
    place.current.scrollLeft =
      shape.x * zoom - (shape.node.upstream.length === 0 ? EDGE : Math.min(EDGE * 8, besides));
    look();
  });
  /** Opens or closes a group and moves the focus with the content. */
  const toggle = (node: GraphNode): void => {
    const next = new Set(open.peek());
    if (!next.delete(node.id)) next.add(node.id);
    open.value = next;
    wanted.current = next.has(node.id) ? (node.tasks[0] ?? null) : node.id;
  };
  /** Changes the scale within its limits. */
  const zoomBy = (factor: number): void => {
    const least = Math.min(fit, READABLE) * 0.9;
    chosenZoom.value = Math.min(LARGEST, Math.max(least, zoom * factor));
  };
  /** Handles the keys of the graph. */
  const press = (event: KeyboardEvent): void => {
    if (event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey) return;
    if (hasZoom && event.key === "+") zoomBy(1.25);
    else if (hasZoom && event.key === "-") zoomBy(0.8);
    else if (hasZoom && event.key === "0") chosenZoom.value = fit;
    else if (!moveFocus(event, scene, reach)) return;
    event.preventDefault();
  };
  /** Zooms by the wheel with a modifier key. */
  const turnWheel = (event: WheelEvent): void => {
    // Without a key the wheel scrolls.
    if (!hasZoom || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    zoomBy(event.deltaY < 0 ? 1.12 : 1 / 1.12);
  };
  /** Enlarges the overview around the place of a click. */
  const comeNearer = (event: MouseEvent): void => {
    const element = place.current;
    if (!isOverview || !hasZoom || scene === null || element === null) return;
    const canvas = element.firstElementChild?.getBoundingClientRect();
    if (canvas === undefined) return;
    const at = { x: (event.clientX - canvas.left) / zoom, y: (event.clientY - canvas.top) / zoom };
    chosenZoom.value = near;
    requestAnimationFrame(() => {
      element.scrollLeft = at.x * near - element.clientWidth / 2;
      element.scrollTop = at.y * near - element.clientHeight / 2;
    });
  };
  return (
    <div class="graph" data-tasks={tasks.length} data-nodes={nodes.length}>
      {hasZoom && (
        <GraphTools
          tasks={tasks}
          failed={failed}
          onGo={go}
          onZoom={zoomBy}
          onFit={() => (chosenZoom.value = fit)}
        />
      )}
      {/* It scrolls, so it can have the focus; the boxes inside have their own. */}
      <div
        ref={place}
        class="graph-place"
        style={{ height: `${height}px` }}
        role="group"
        aria-label={label}
        tabIndex={0}
        onKeyDown={press}
        onScroll={look}
        onWheel={turnWheel}
        onClick={comeNearer}
      >
        {scene === null && state !== "failed" && (
          <span class="muted small">Laying out {tasks.length} tasks…</span>
        )}
        {state === "failed" && (
          <div class="graph-failed" role="alert">
            <p>This graph of {tasks.length} tasks could not be laid out.</p>
            <Button onClick={() => layOutAgain(request)}>Try again</Button>
          </div>
        )}
        {scene !== null && view !== null && size.value.width > 0 && (
          <div
            class={`graph-canvas ${isOverview ? "is-overview" : ""}`}
            data-drawn={scene.shapes.length}
            style={{ width: `${scene.width * zoom}px`, height: `${scene.height * zoom}px` }}
          >
            <Lines
              scene={scene}
              zoom={zoom}
              view={view}
              hasBoxes={isOverview}
              {...(props.statusOf && { statusOf: props.statusOf })}
            />
            {!isOverview && (
              <Boxes
                scene={scene}
                zoom={zoom}
                view={nodes.length <= ALL_DRAWN && open.value.size === 0 ? null : view}
                box={props.box}
                {...(props.groupNote && { groupNote: props.groupNote })}
                {...(hasZoom && { onToggle: toggle })}
              />
            )}
          </div>
        )}
      </div>
    </div>
  );
}

/** Multiplies the sides of a part, for example to convert pixels of the screen to the scene. */
function scaled({ left, top, right, bottom }: View, by: number): View {
  return { left: left * by, top: top * by, right: right * by, bottom: bottom * by };
}

/** Moves the focus by an arrow key. True if the key has led somewhere. */
function moveFocus(
  event: KeyboardEvent,
  scene: Scene | null,
  reach: (shape: Shape, hasFocus: boolean) => void,
): boolean {
  const from = event.target instanceof Element ? event.target.closest("[data-task]") : null;
  const id = from instanceof HTMLElement ? from.dataset["task"] : undefined;
  const shape = id === undefined ? undefined : scene?.shapeOf.get(id);
  if (scene === null || shape === undefined || !isArrow(event.key)) return false;
  const to = neighbourOf(scene, shape, event.key);
  if (to !== undefined) reach(to, true);
  return to !== undefined;
}

/** Tests if a key is an arrow. */
function isArrow(key: string): key is Arrow {
  return /^Arrow(Left|Right|Up|Down)$/.test(key);
}
