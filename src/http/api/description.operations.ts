/** The call that describes all calls. */
import { z } from "zod";
import { named } from "./schemas.ts";
import type { Operation } from "../openapi/operation.ts";

export const readOpenApi = {
  id: "readOpenApi",
  method: "GET",
  path: "/openapi.json",
  right: "known",
  group: "Deployment",
  summary: "This description of the API, as OpenAPI 3.1",
  answers: {
    200: {
      description: "The OpenAPI document",
      document: named(
        "OpenApi",
        z.looseObject({ openapi: z.string(), paths: z.record(z.string(), z.unknown()) }),
      ),
    },
  },
  problems: [],
} satisfies Operation;
