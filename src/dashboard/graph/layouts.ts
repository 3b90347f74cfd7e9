/** Requests layouts from the web worker and keeps them: every run of a task has the same graph. */
import { type Signal, signal } from "@preact/signals";
import type { GraphLayout, LayoutRequest } from "./layout.ts";

/** Layouts by request, as JSON. */
const known = new Map<string, Signal<GraphLayout | null>>();
/** Requests without an answer, by id. */
const asked = new Map<number, Signal<GraphLayout | null>>();
/** The worker starts with the first graph: a page without graphs does not load it. */
let worker: Worker | null = null;

/** Returns the layout of a graph as a signal. Its value is null until the worker has answered. */
export function layoutOf(request: LayoutRequest): Signal<GraphLayout | null> {
  const key = JSON.stringify(request);
  let layout = known.get(key);
  if (layout !== undefined) return layout;
  layout = signal<GraphLayout | null>(null);
  known.set(key, layout);
  const id = known.size;
  asked.set(id, layout);
  worker ??= startWorker();
  // A web worker has the page's own origin, so there is no target origin.
  // eslint-disable-next-line unicorn/require-post-message-target-origin
  worker.postMessage({ id, request });
  return layout;
}

/** Starts the worker and passes each layout to the signal of its request. */
function startWorker(): Worker {
  trustWorkerOnly();
  const started = new Worker(LAYOUT_WORKER);
  started.addEventListener(
    "message",
    (event: MessageEvent<{ id: number; layout: GraphLayout }>) => {
      const { id, layout } = event.data;
      const waiting = asked.get(id);
      asked.delete(id);
      if (waiting !== undefined) waiting.value = layout;
    },
  );
  return started;
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
