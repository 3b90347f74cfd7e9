/**
 * Requests layouts from the web worker and keeps them: every run of a task has the same graph.
 *
 * A worker that fails or is silent for too long is ended. The page then computes its layouts
 * itself, without the passes that take time.
 */
import { type Signal, signal } from "@preact/signals";
import { type GraphLayout, layoutGraph, type LayoutRequest } from "./layout.ts";

/** A layout; null until it is known, or `failed`. */
export type LayoutState = GraphLayout | "failed" | null;

/** The time that the worker has for an answer. The worker bounds itself to a tenth of the time. */
const PATIENCE_MS = 4_000;

/** Layouts by request, as JSON. */
const known = new Map<string, Signal<LayoutState>>();
/** Requests without an answer, by id. */
const asked = new Map<number, Asked>();
/** The worker starts with the first graph: a page without graphs does not load it. */
let worker: Worker | null = null;
/** True once a worker has failed. */
let isWorkerLost = false;
/** The id of the last request. */
let lastId = 0;

/** A request that waits for its answer. */
interface Asked {
  readonly request: LayoutRequest;
  readonly layout: Signal<LayoutState>;
  readonly timer: number;
}

/** Returns the layout of a graph as a signal. */
export function layoutOf(request: LayoutRequest): Signal<LayoutState> {
  const key = JSON.stringify(request);
  const found = known.get(key);
  if (found !== undefined) return found;
  const layout = signal<LayoutState>(null);
  known.set(key, layout);
  ask(request, layout);
  return layout;
}

/** Repeats a failed request. */
export function layOutAgain(request: LayoutRequest): void {
  const layout = layoutOf(request);
  if (layout.value !== "failed") return;
  layout.value = null;
  ask(request, layout);
}

/** Asks the worker, or computes the layout here if there is none. */
function ask(request: LayoutRequest, layout: Signal<LayoutState>): void {
  if (!isWorkerLost) worker ??= startWorker();
  if (worker === null) {
    layout.value = layoutHere(request);
    return;
  }
  const id = ++lastId;
  asked.set(id, { request, layout, timer: window.setTimeout(loseWorker, PATIENCE_MS) });
  // A web worker has the page's own origin, so there is no target origin.
  // eslint-disable-next-line unicorn/require-post-message-target-origin
  worker.postMessage({ id, request });
}

/** Ends the worker and computes its open requests on the page. */
function loseWorker(): void {
  isWorkerLost = true;
  worker?.terminate();
  worker = null;
  for (const { request, layout, timer } of asked.values()) {
    window.clearTimeout(timer);
    layout.value = layoutHere(request);
  }
  asked.clear();
}

/** Computes a layout on the page, in linear time. */
function layoutHere(request: LayoutRequest): LayoutState {
  try {
    return layoutGraph(request, () => true);
  } catch (error) {
    console.error(error);
    return "failed";
  }
}

/** Starts the worker and passes each layout to the signal of its request. Null: not possible. */
function startWorker(): Worker | null {
  try {
    trustWorkerOnly();
    const started = new Worker(LAYOUT_WORKER);
    started.addEventListener(
      "message",
      (event: MessageEvent<{ id: number; layout: GraphLayout }>) => {
        const { id, layout } = event.data;
        const waiting = asked.get(id);
        asked.delete(id);
        window.clearTimeout(waiting?.timer);
        if (waiting !== undefined) waiting.layout.value = layout;
      },
    );
    started.addEventListener("error", loseWorker);
    return started;
  } catch {
    isWorkerLost = true;
    return null;
  }
}

/**
 * Allows this script as a worker under trusted types, and no other. The browser refuses a plain
 * text as a script's address unless the default policy accepts it.
 */
function trustWorkerOnly(): void {
  window.trustedTypes?.createPolicy("default", {
    createScriptURL(url) {
      if (url === LAYOUT_WORKER) return url;
      throw new TypeError(`not a script of the dashboard: ${url}`);
    },
  });
}
