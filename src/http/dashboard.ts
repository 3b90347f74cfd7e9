/**
 * Serves the dashboard's files at /dashboard; all of them are part of the worker's bundle. Every
 * path below /dashboard that is no file returns the same document: the browser's router chooses the
 * page.
 */
import { Hono, type Context } from "hono";
import type { HttpEnv } from "./http-env.ts";
import { loginRoutes } from "./auth/login.ts";
import { problemResponse } from "./problem.ts";

/** The compiled dashboard, as `npm run compile` writes it from src/dashboard. */
export interface DashboardFiles {
  /** The HTML document. */
  readonly document: string;
  /**
   * Assets by file name. The name contains a digest of the content, so browsers may cache it for
   * ever.
   */
  readonly assets: Readonly<Record<string, { readonly type: string; readonly text: string }>>;
}

/**
 * Builds the Content-Security-Policy of the dashboard: no inline code, no other origin, no frame
 * around the page, and no string parsed as markup (Trusted Types).
 *
 * Scripts, styles and workers load from /dashboard/assets only. Payloads and endpoints share the
 * origin, and their content is chosen by their senders. Images and sound may also come from
 * payloads.
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

/** Headers of every page and asset: no sniffing, no frames, no referrer, no access to devices. */
const PAGE_HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
} as const;

/**
 * Creates the routes below /dashboard. With `isLocal`, the login also accepts the codes that `npm
 * run dev` prints.
 */
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
      // The policy applies to the layout's web worker too.
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
