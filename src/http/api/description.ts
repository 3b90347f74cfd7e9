/** `/openapi.json` and `/docs`: what the API is, for programs and for people. Both are made once, when somebody first asks. */
import { type Handler, Hono } from "hono";
import { z } from "zod";
import { named } from "../../contract/named.ts";
import { sha256 } from "../../platform/sha256.ts";
import type { HttpEnv } from "../http-env.ts";
import { docsPage } from "../openapi/docs-page.ts";
import { DOCS_STYLE } from "../openapi/docs-style.ts";
import { openApiDocument } from "../openapi/document.ts";
import { handle } from "../openapi/handle.ts";
import type { Operation } from "../openapi/operation.ts";

/** The OpenAPI document, as far as clients may rely on it. */
const openApiSchema = named(
  "OpenApi",
  z.looseObject({ openapi: z.string(), paths: z.record(z.string(), z.unknown()) }),
);

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
      document: openApiSchema,
    },
  },
  problems: [],
} satisfies Operation;

/** The route below /api/v1. */
export function descriptionRoutes(operations: readonly Operation[]): Hono<HttpEnv> {
  let made: string | null = null;
  const routes = new Hono<HttpEnv>();
  handle(routes, readOpenApi, (c) => {
    made ??= JSON.stringify(openApiDocument(operations));
    return c.body(made, 200, { "Content-Type": "application/json" });
  });
  return routes;
}

/** The page. It is open to everyone, as browsers send no token: it says nothing that is not the same in every deployment. */
export function docsHandler(operations: readonly Operation[]): Handler<HttpEnv> {
  let made: { readonly page: string; readonly policy: string } | null = null;
  return async (c) => {
    made ??= {
      page: docsPage(openApiDocument(operations)),
      policy: `default-src 'none'; style-src 'sha256-${(await sha256(DOCS_STYLE)).toBase64()}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
    };
    return c.html(made.page, 200, {
      "Content-Security-Policy": made.policy,
      "X-Content-Type-Options": "nosniff",
      "Referrer-Policy": "no-referrer",
    });
  };
}
