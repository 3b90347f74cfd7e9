/** `/graph`: the graph of the deployed tasks, as JSON or as a drawing. */
import * as z from "zod";
import { graphSchema } from "../../contract/graph.ts";
import { GRAPH_FORMATS, renderGraph } from "../../domain/plan/graph-drawing.ts";
import type { Needs } from "../dependencies.ts";
import { type Routes, handle } from "../openapi/handle.ts";
import { operation } from "../openapi/operation.ts";

const GROUP = "Deployment";

/** `GET /graph`: the graph in the requested format. */
export const readGraph = operation("GET /graph", {
  id: "readGraph",
  right: "read",
  group: GROUP,
  summary: "The graph of the tasks, as data or as a drawing in Mermaid or Graphviz",
  query: z.strictObject({
    format: z.enum(GRAPH_FORMATS, { error: `one of ${GRAPH_FORMATS.join(", ")}` }).default("json"),
  }),
  answers: {
    200: {
      description: "The graph",
      document: graphSchema,
      contentTypes: ["text/vnd.mermaid", "text/vnd.graphviz"],
    },
  },
});

/** Content types of the formats. */
const GRAPH_TYPES = {
  json: "application/json",
  mermaid: "text/vnd.mermaid; charset=utf-8",
  dot: "text/vnd.graphviz; charset=utf-8",
} as const;

/** Adds the route below /api/v1. */
export function graphRoutes(routes: Routes, { plan }: Needs<"plan">): void {
  handle(routes, readGraph, (c, { query: { format } }) =>
    c.body(renderGraph(plan, format), 200, { "Content-Type": GRAPH_TYPES[format] }),
  );
}
