/** The web worker that computes layouts. The id pairs an answer with its request. */
import { layoutGraph, type LayoutRequest } from "./layout.ts";

/** The time in which a layout may be improved. */
const BUDGET_MS = 400;

self.addEventListener("message", (event: MessageEvent<{ id: number; request: LayoutRequest }>) => {
  const { id, request } = event.data;
  const end = performance.now() + BUDGET_MS;
  const layout = layoutGraph(request, () => performance.now() > end);
  // A web worker answers the page that started it, so there is no target origin.
  // eslint-disable-next-line unicorn/require-post-message-target-origin
  self.postMessage({ id, layout });
});
