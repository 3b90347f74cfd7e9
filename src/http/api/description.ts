/**
 * `/openapi.json` and `/docs`: describes the API for programs and for people. Each is built on the
 * first request and then reused. The operations are an argument, because their list contains this
 * file's own.
 */
import type { Handler } from "hono";
import * as z from "zod";
import { named } from "../../contract/named.ts";
import { sha256 } from "../../platform/sha256.ts";
import type { HttpEnv } from "../http-env.ts";
import { docsPage } from "../openapi/docs-page.ts";
import { DOCS_STYLE } from "../openapi/docs-style.ts";
import { openApiDocument } from "../openapi/document.ts";
import { type Routes, handle } from "../openapi/handle.ts";
import { answer, operation, type Operation } from "../openapi/operation.ts";

/** The parts of the OpenAPI document that clients may rely on. */
const openApiSchema = named(
  "OpenApi",
  z.looseObject({ openapi: z.string(), paths: z.record(z.string(), z.unknown()) }),
);

/** `GET /openapi.json`: the OpenAPI document. */
export const readOpenApi = operation("GET /openapi.json", {
  id: "readOpenApi",
  right: "known",
  group: "Deployment",
  summary: "This description of the API, as OpenAPI 3.1",
  answers: {
    200: answer("The OpenAPI document", openApiSchema),
  },
});

/** Adds the route below /api/v1. */
export function descriptionRoutes(routes: Routes, operations: readonly Operation[]): void {
  let made: string | null = null;
  handle(routes, readOpenApi, (c) => {
    made ??= JSON.stringify(openApiDocument(operations));
    return c.body(made, 200, { "Content-Type": "application/json" });
  });
}

/**
 * Creates the handler of the page. It needs no token, because browsers send none, and the page is
 * the same in every deployment.
 */
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
