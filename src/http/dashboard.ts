/**
 * The dashboard's files at /dashboard, all of them in the worker itself. Every path below it that is no file is a page of the
 * dashboard, and answered with the same document: which page it shows is decided in the browser.
 */
import { Hono, type Context } from "hono";
import type { HttpEnv } from "./http-env.ts";
import { loginRoutes } from "./auth/login.ts";
import { problemResponse } from "./problem.ts";

/** What `npm run compile` made of src/dashboard. */
export interface DashboardFiles {
  /** The HTML document. */
  readonly document: string;
  /** By file name; a name has a digest of its content in it. */
  readonly assets: Readonly<Record<string, { readonly type: string; readonly text: string }>>;
}

/**
 * Nothing inline, nothing from elsewhere, no frame around it, and no string becomes markup. Scripts, styles and workers are files of the
 * dashboard only: at the same origin there are payloads and endpoints as well, which are whatever their senders made them. Images and
 * sound may be payloads.
 */
function policyOf(c: Context<HttpEnv>): string {
  const { origin } = new URL(c.req.url);
  const assets = `${origin}/dashboard/assets/`;
  const shown = `${assets} ${origin}/api/v1/runs/`;
  return [
    "default-src 'none'",
    `script-src ${assets}`,
    `worker-src ${assets}`,
    `style-src ${assets}`,
    `img-src ${shown}`,
    `media-src ${shown}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types default",
  ].join("; ");
}

const PAGE_HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
} as const;

/** The routes below /dashboard. `isLocal`: codes of the link of `npm run dev` log in. */
export function dashboardRoutes(
  { document, assets }: DashboardFiles,
  isLocal: boolean,
): Hono<HttpEnv> {
  return new Hono<HttpEnv>()
    .route("/", loginRoutes(isLocal))
    .get("/assets/:file", (c) => {
      const name = c.req.param("file");
      const file = Object.hasOwn(assets, name) ? assets[name] : undefined;
      if (file === undefined)
        return problemResponse(c, {
          code: "not_found",
          detail: `The dashboard has no file "${name}".`,
          hint: "It may be of another version: load the page again.",
        });
      // The policy counts for the layout's web worker too.
      const headers = {
        ...PAGE_HEADERS,
        "Content-Security-Policy": policyOf(c),
        "Content-Type": file.type,
        "Cache-Control": "public, max-age=31536000, immutable",
      };
      return c.body(file.text, 200, headers);
    })
    .get("/*", (c) =>
      c.body(document, 200, {
        ...PAGE_HEADERS,
        "Content-Security-Policy": policyOf(c),
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-cache",
      }),
    );
}
