/** `/endpoints`: deployed endpoints. */
import { endpointsSchema } from "../../contract/endpoints.ts";
import { documentOfEndpoint } from "../../domain/plan/plan-documents.ts";
import type { Needs } from "../dependencies.ts";
import { type Routes, handle } from "../openapi/handle.ts";
import { answer, operation } from "../openapi/operation.ts";

const GROUP = "Deployment";

/** `GET /endpoints`: the endpoints of peach.conf, in its order. */
export const listEndpoints = operation("GET /endpoints", {
  id: "listEndpoints",
  right: "read",
  group: GROUP,
  summary: "The endpoints that are deployed",
  answers: {
    200: answer("In the order of peach.conf", endpointsSchema),
  },
});

/** Adds the route below /api/v1. */
export function deployedEndpointRoutes(routes: Routes, { plan }: Needs<"plan">): void {
  handle(routes, listEndpoints, (_c, { reply }) =>
    reply(200, { endpoints: plan.endpoints.map(documentOfEndpoint) }),
  );
}
