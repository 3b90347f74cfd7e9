/** `/endpoints`: deployed endpoints. */
import { Hono } from "hono";
import { endpointsSchema } from "../../contract/endpoints.ts";
import { documentOfEndpoint } from "../../domain/plan/plan-documents.ts";
import type { Plan } from "../../domain/plan/plan.ts";
import type { HttpEnv } from "../http-env.ts";
import { handle } from "../openapi/handle.ts";
import type { Operation } from "../openapi/operation.ts";

const GROUP = "Deployment";

/** `GET /endpoints`: the endpoints of peach.conf, in its order. */
export const listEndpoints = {
  id: "listEndpoints",
  method: "GET",
  path: "/endpoints",
  right: "read",
  group: GROUP,
  summary: "The endpoints that are deployed",
  answers: {
    200: {
      description: "In the order of peach.conf",
      document: endpointsSchema,
    },
  },
  problems: [],
} satisfies Operation;

/** Creates the route below /api/v1. */
export function deployedEndpointRoutes({ plan }: { readonly plan: Plan }): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  handle(routes, listEndpoints, (_c, { reply }) =>
    reply(200, { endpoints: plan.endpoints.map(documentOfEndpoint) }),
  );
  return routes;
}
