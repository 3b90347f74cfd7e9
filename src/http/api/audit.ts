/** `/audit`: lists audited actions. */
import * as z from "zod";
import { auditSchema } from "../../contract/audit.ts";
import { callAudit } from "../../objects/audit/audit-client.ts";
import { documentOf, flushCounted } from "../middleware/audit.ts";
import { type Routes, handle } from "../openapi/handle.ts";
import { answer, operation } from "../openapi/operation.ts";
import { limitOf, numberedCursor, timeParameter } from "./parameters.ts";

/** `GET /audit`: a page of audited actions, newest first. */
export const listAudit = operation("GET /audit", {
  id: "listAudit",
  right: "read",
  group: "Access",
  summary:
    "Who did what, newest first: changes, refused ones included, triggers, log-ins, completions by URL; kept for a year",
  query: z.strictObject({
    who: z.string().max(500).optional().describe("Only of this one, as `who` of an entry says"),
    what: z.string().max(100).optional().describe("Only such, as `what` of an entry says"),
    on: z.string().max(500).optional().describe("Only what has this in `on`, such as a run's id"),
    since: timeParameter.optional().describe("Only what was last done since this time, ISO 8601"),
    limit: limitOf(500, 50),
    cursor: numberedCursor.optional(),
  }),
  answers: {
    200: answer(
      "A page of entries; it may have fewer than `limit`, or none, and a `next_cursor` all the same",
      auditSchema,
    ),
  },
});

/** Adds the route below /api/v1. */
export function auditRoutes(routes: Routes): void {
  handle(routes, listAudit, async (c, { query: { limit, cursor = null, ...filter }, reply }) => {
    // Stores the counts of this isolate first, so that the list contains them.
    await flushCounted(c.env);
    const { entries, next } = await callAudit(c.env, (audit) => audit.list(filter, limit, cursor));
    return reply(200, {
      entries: entries.map(documentOf),
      next_cursor: next === null ? null : String(next),
    });
  });
}
