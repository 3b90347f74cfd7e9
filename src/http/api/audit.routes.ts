/** `/audit`: who did what. */
import { Hono } from "hono";
import { callAudit } from "../../objects/audit/audit-client.ts";
import { documentOf, flushCounted } from "../middleware/audit.ts";
import { handle } from "../openapi/handle.ts";
import type { HttpEnv } from "../http-env.ts";
import { listAudit } from "./audit.operations.ts";

/** The route below /api/v1. */
export function auditRoutes(): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  handle(routes, listAudit, async (c, { query: { limit, cursor = null, ...filter }, reply }) => {
    // What this isolate has counted and not kept yet would be missing.
    await flushCounted(c.env);
    const { entries, next } = await callAudit(c.env, (audit) => audit.list(filter, limit, cursor));
    return reply(200, {
      entries: entries.map(documentOf),
      next_cursor: next === null ? null : String(next),
    });
  });
  return routes;
}
