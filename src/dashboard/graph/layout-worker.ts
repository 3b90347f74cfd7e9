/** The web worker around layout.ts. */
import { layoutGraph, type LayoutRequest } from "./layout.ts";

self.addEventListener("message", (event: MessageEvent<{ id: number; request: LayoutRequest }>) => {
  const { id, request } = event.data;
  // A web worker talks to the page that started it: there is no origin to name.
  // eslint-disable-next-line unicorn/require-post-message-target-origin
  self.postMessage({ id, layout: layoutGraph(request) });
});
