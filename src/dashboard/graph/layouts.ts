/** Asks the web worker for layouts, each once: the same graph is laid out for every run of a task. */
import { type Signal, signal } from "@preact/signals";
import type { GraphLayout, LayoutRequest } from "./layout.ts";

const known = new Map<string, Signal<GraphLayout | null>>();
const asked = new Map<number, Signal<GraphLayout | null>>();
let worker: Worker | null = null;

/** The layout as soon as it is known. */
export function layoutOf(request: LayoutRequest): Signal<GraphLayout | null> {
  const key = JSON.stringify(request);
  let layout = known.get(key);
  if (layout !== undefined) return layout;
  layout = signal<GraphLayout | null>(null);
  known.set(key, layout);
  const id = known.size;
  asked.set(id, layout);
  worker ??= startWorker();
  // A web worker belongs to one origin: there is none to name.
  // eslint-disable-next-line unicorn/require-post-message-target-origin
  worker.postMessage({ id, request });
  return layout;
}

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

/** With trusted types a browser takes no mere text as a script's address, unless the default policy lets it through: this one only. */
function trustWorkerOnly(): void {
  window.trustedTypes?.createPolicy("default", {
    createScriptURL(url) {
      if (url === LAYOUT_WORKER) return url;
      throw new TypeError(`not a script of the dashboard: ${url}`);
    },
  });
}
