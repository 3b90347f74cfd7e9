/**
 * The edges of a graph on tiles of canvas, and the boxes too where they are too small to read.
 *
 * - Only tiles near the visible part exist.
 * - A tile is drawn once: scrolling draws nothing again. A tile with boxes is drawn again when a
 *   status changes, and every tile when the theme does.
 */
import { effect, signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { TaskStatus } from "../../domain/statuses.ts";
import { drawSoon } from "./draw-queue.ts";
import type { Box, Edge } from "./layout.ts";
import type { Scene } from "./scene.ts";

/** The side of a tile in pixels. */
const TILE = 512;
/** A tile with more edges draws them as straight lines: curves of a pixel cannot be seen. */
const MOST_CURVES = 1_500;
/** The least side of a failed task from afar, in pixels. */
const FAILURE = 6;
/** The number of lines that are drawn at once: longer paths take more time for each line. */
const AT_ONCE = 250;

/** The colour of each status. */
const TONES: Readonly<Record<TaskStatus, string>> = {
  pending: "--line-strong",
  queued: "--idle",
  running: "--busy",
  retrying: "--warn",
  waiting: "--hold",
  succeeded: "--good",
  failed: "--bad",
  skipped: "--line-strong",
  cancelled: "--idle",
};

/** A part of the scene, in pixels before zooming. */
export interface View {
  /** The left side, and so on: x grows to the right, y downwards. */
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Counts changes of the theme. A canvas does not follow the style sheet, unlike other elements. */
const themeTurn = signal(0);
/** True once the first graph has started to watch the theme. */
let isWatching = false;

/** Watches the theme from the first graph on. */
function watchTheme(): void {
  if (isWatching) return;
  isWatching = true;
  const turn = (): void => void (themeTurn.value += 1);
  new MutationObserver(turn).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", turn);
}

/** Properties of the tiles. */
export interface LinesProps {
  readonly scene: Scene;
  readonly zoom: number;
  /** The part around which there are tiles. */
  readonly view: View;
  /** True draws the boxes as well, in the colour of their status. */
  readonly hasBoxes: boolean;
  /** The status of a task; it reads a signal. */
  readonly statusOf?: (task: string) => TaskStatus | null;
}

/** Draws the tiles of the visible part. Screen readers skip them; the arrow keys follow edges. */
export function Lines(props: LinesProps): JSX.Element {
  const { scene, zoom, view } = props;
  useEffect(watchTheme, []);
  const tiles: { readonly x: number; readonly y: number }[] = [];
  const right = Math.min(view.right, scene.width) * zoom;
  const bottom = Math.min(view.bottom, scene.height) * zoom;
  for (let y = tileOf(view.top * zoom); y < bottom; y += TILE)
    for (let x = tileOf(view.left * zoom); x < right; x += TILE) tiles.push({ x, y });
  return (
    <div class="graph-lines" aria-hidden="true">
      {tiles.map(({ x, y }) => (
        <Tile key={`${x} ${y}`} x={x} y={y} {...props} />
      ))}
    </div>
  );
}

/** The start of the tile of a place. */
function tileOf(at: number): number {
  return Math.max(0, Math.floor(at / TILE) * TILE);
}

/** A tile at this place, in pixels after zooming. */
function Tile({
  x,
  y,
  scene,
  zoom,
  hasBoxes,
  statusOf,
}: LinesProps & { readonly x: number; readonly y: number }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = Math.min(TILE, Math.ceil(scene.width * zoom - x));
  const height = Math.min(TILE, Math.ceil(scene.height * zoom - y));
  useEffect(() => {
    let takeBack = (): void => {};
    const draw = (): void => {
      const element = canvas.current;
      const context = element?.getContext("2d") ?? null;
      if (element === null || context === null) return;
      const density = devicePixelRatio;
      element.width = width * density;
      element.height = height * density;
      context.setTransform(density * zoom, 0, 0, density * zoom, -x * density, -y * density);
      const part = {
        left: x / zoom,
        top: y / zoom,
        right: (x + TILE) / zoom,
        bottom: (y + TILE) / zoom,
      };
      const style = getComputedStyle(element);
      drawEdges(context, scene.edges, part, style.getPropertyValue("--line-strong"), zoom);
      if (hasBoxes) drawBoxes(context, scene, part, style, zoom, statusOf);
    };
    const stop = effect(() => {
      void themeTurn.value;
      // From afar the tile shows statuses: it is drawn again when one of them changes.
      if (hasBoxes && statusOf !== undefined)
        for (const { kind, node, id } of scene.shapes)
          if (kind === "group") node.tasks.forEach(statusOf);
          else if (kind === "task") statusOf(id);
      takeBack();
      takeBack = drawSoon(draw);
    });
    return () => {
      stop();
      takeBack();
    };
    // A caller's function may be another one each time: only a tile with boxes depends on it.
  }, [scene, zoom, x, y, width, height, hasBoxes, hasBoxes ? statusOf : null]);
  return (
    <canvas
      ref={canvas}
      style={{ left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` }}
    />
  );
}

/** Draws the edges of the part. */
function drawEdges(
  context: CanvasRenderingContext2D,
  edges: readonly Edge[],
  part: View,
  color: string,
  zoom: number,
): void {
  const seen = edges.filter(({ points }) => isIn(points, part));
  const hasCurves = seen.length <= MOST_CURVES;
  context.strokeStyle = color;
  // Lines stay visible from afar, and a thousand of them do not become a wall.
  context.lineWidth = Math.max(1.6, 0.7 / zoom);
  context.globalAlpha = seen.length > MOST_CURVES ? 0.4 : 1;
  for (let from = 0; from < seen.length; from += AT_ONCE) {
    context.beginPath();
    for (const { points } of seen.slice(from, from + AT_ONCE)) trace(context, points, hasCurves);
    context.stroke();
  }
  context.globalAlpha = 1;
}

/** Tests if the box around an edge meets the part. */
function isIn(points: readonly number[], { left, top, right, bottom }: View): boolean {
  if ((points[0] ?? 0) > right || (points.at(-2) ?? 0) < left) return false;
  let lowest = Number.NEGATIVE_INFINITY;
  let highest = Number.POSITIVE_INFINITY;
  for (let at = 1; at < points.length; at += 2) {
    const y = points[at] ?? 0;
    lowest = Math.max(lowest, y);
    highest = Math.min(highest, y);
  }
  return highest <= bottom && lowest >= top;
}

/** Adds an edge to the path: curves with level ends, or straight lines. */
function trace(
  context: Pick<CanvasRenderingContext2D, "moveTo" | "lineTo" | "bezierCurveTo">,
  points: readonly number[],
  hasCurves: boolean,
): void {
  let [x = 0, y = 0] = points;
  context.moveTo(x, y);
  for (let at = 2; at + 1 < points.length; at += 2) {
    const nextX = points[at] ?? 0;
    const nextY = points[at + 1] ?? 0;
    const bend = (nextX - x) / 2;
    if (hasCurves && y !== nextY)
      context.bezierCurveTo(x + bend, y, nextX - bend, nextY, nextX, nextY);
    else context.lineTo(nextX, nextY);
    [x, y] = [nextX, nextY];
  }
}

/** Draws the boxes of the part in the colour of their status; those of a group side by side. */
function drawBoxes(
  context: CanvasRenderingContext2D,
  scene: Scene,
  part: View,
  style: CSSStyleDeclaration,
  zoom: number,
  statusOf: ((task: string) => TaskStatus | null) | undefined,
): void {
  const ground = style.getPropertyValue("--raised");
  const line = style.getPropertyValue("--line-strong");
  const failures: Box[] = [];
  for (const { kind, x, y, width, height, node, id } of scene.shapes) {
    if (x > part.right || y > part.bottom || x + width < part.left || y + height < part.top)
      continue;
    context.fillStyle = kind === "frame" ? style.getPropertyValue("--sunk") : ground;
    context.fillRect(x, y, width, height);
    context.strokeStyle = line;
    context.lineWidth = 2;
    context.strokeRect(x, y, width, height);
    if (kind === "frame" || statusOf === undefined) continue;
    let from = x;
    for (const [status, share] of sharesOf(kind === "group" ? node.tasks : [id], statusOf)) {
      if (status === "failed") failures.push({ x, y, width, height });
      context.fillStyle = style.getPropertyValue(TONES[status]);
      context.fillRect(from, y, width * share, height);
      from += width * share;
    }
  }
  // A failure is seen among thousands: it is drawn last, and has a size of its own.
  context.fillStyle = style.getPropertyValue(TONES.failed);
  for (const { x, y, width, height } of failures) {
    const side = Math.max(FAILURE / zoom, height);
    context.fillRect(x + (width - side) / 2, y + (height - side) / 2, side, side);
  }
}

/** The share of each status among tasks, the worst first. */
export function sharesOf(
  tasks: readonly string[],
  statusOf: (task: string) => TaskStatus | null,
): readonly (readonly [TaskStatus, number])[] {
  const counts = new Map<TaskStatus, number>();
  for (const task of tasks) {
    const status = statusOf(task);
    if (status !== null) counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  return WORST_FIRST.flatMap((status) => {
    const count = counts.get(status) ?? 0;
    return count === 0 ? [] : [[status, count / tasks.length] as const];
  });
}

/** Statuses in the order of their importance for the user. */
const WORST_FIRST: readonly TaskStatus[] = [
  "failed",
  "retrying",
  "waiting",
  "running",
  "queued",
  "succeeded",
  "cancelled",
  "skipped",
  "pending",
];
