/** `/openapi.json` and `/docs`: what the API is, for programs and for people. Both are made once, when somebody first asks. */
import { Hono, type Handler } from "hono";
import { sha256 } from "../../platform/sha256.ts";
import { docsPage } from "../openapi/docs-page.ts";
import { DOCS_STYLE } from "../openapi/docs-style.ts";
import { handle } from "../openapi/handle.ts";
import type { HttpEnv } from "../http-env.ts";
import { openApiDocument } from "../openapi/document.ts";
import { OPERATIONS } from "./operations.ts";
import { readOpenApi } from "./description.operations.ts";

/** The route below /api/v1. */
export function descriptionRoutes(): Hono<HttpEnv> {
  let made: string | null = null;
  const routes = new Hono<HttpEnv>();
  handle(routes, readOpenApi, (c) => {
    made ??= JSON.stringify(openApiDocument(OPERATIONS));
    return c.body(made, 200, { "Content-Type": "application/json" });
  });
  return routes;
}

/** The page. It is open to everyone, as browsers send no token: it says nothing that is not the same in every deployment. */
export function docsHandler(): Handler<HttpEnv> {
  let made: { readonly page: string; readonly policy: string } | null = null;
  return async (c) => {
    made ??= {
      page: docsPage(openApiDocument(OPERATIONS)),
      policy: `default-src 'none'; style-src 'sha256-${(await sha256(DOCS_STYLE)).toBase64()}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
    };
    return c.html(made.page, 200, {
      "Content-Security-Policy": made.policy,
      "X-Content-Type-Options": "nosniff",
      "Referrer-Policy": "no-referrer",
    });
  };
}
