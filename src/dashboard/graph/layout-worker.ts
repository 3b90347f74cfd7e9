/** The web worker that computes layouts. The id pairs an answer with its request. */
import { layoutGraph, type LayoutRequest } from "./layout.ts";

self.addEventListener("message", (event: MessageEvent<{ id: number; request: LayoutRequest }>) => {
  const { id, request } = event.data;
  // A web worker answers the page that started it, so there is no target origin.
  // eslint-disable-next-line unicorn/require-post-message-target-origin
  self.postMessage({ id, layout: layoutGraph(request) });
});
