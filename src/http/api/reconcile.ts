/**
 * `POST /r2/{bucket}/reconcile`: triggers runs for objects whose notification was lost, one page of
 * the bucket per call.
 */
import * as z from "zod";
import { reconciliationSchema } from "../../contract/reconciliation.ts";
import { durationUpTo } from "../../contract/values.ts";
import { nearest } from "../../domain/nearest.ts";
import { isPayloadBucket, projectBuckets } from "../../domain/payload-bucket.ts";
import type { Plan } from "../../domain/plan/plan.ts";
import type { Problem } from "../../domain/problem.ts";
import { boundBucket } from "../../triggers/bound-bucket.ts";
import { type ReconcileDependencies, reconcilePage } from "../../triggers/reconcile.ts";
import { type Routes, handle } from "../openapi/handle.ts";
import { answer, operation } from "../openapi/operation.ts";
import { problemResponse } from "../problem.ts";
import { cursor, limitOf } from "./parameters.ts";

/** `POST /r2/{bucket}/reconcile`: compares a page of the bucket with its runs. */
export const reconcileBucket = operation("POST /r2/{bucket}/reconcile", {
  id: "reconcileBucket",
  right: "operate",
  group: "Triggers",
  summary: "Triggers what R2's notifications have missed, a page of the bucket's objects a call",
  params: z.object({ bucket: z.string().describe("The `bucket_name` in wrangler.toml") }),
  query: z.strictObject({
    prefix: z.string().default("").describe("Only keys that begin so"),
    since: durationUpTo("3650d")
      .optional()
      .describe("Only objects that are not older; without it, than `retention`"),
    dry_run: z.boolean({ error: "true or false" }).default(false).describe("Triggers nothing"),
    limit: limitOf(500, 100),
    cursor: cursor.optional(),
  }),
  answers: {
    200: answer("What the page has", reconciliationSchema),
  },
  problems: ["unknown_bucket"],
});

/** Adds the route below /api/v1. */
export function reconcileRoutes(routes: Routes, dependencies: ReconcileDependencies): void {
  handle(routes, reconcileBucket, async (c, { params: { bucket: name }, query, reply }) => {
    const bucket = boundBucket(c.env, dependencies.plan, name);
    if (bucket === null) return problemResponse(c, unknownBucket(dependencies.plan, name));
    const { prefix, limit, dry_run: isDryRun, cursor = null } = query;
    const since = query.since === undefined ? 0 : Date.now() - query.since;
    const request = { bucket, name, prefix, since, isDryRun, cursor, limit };
    const page = await reconcilePage(dependencies, c.env, c.executionCtx, request);
    return reply(200, {
      bucket: name,
      dry_run: isDryRun,
      listed: page.listed,
      matching: page.matching,
      too_old: page.tooOld,
      missed: page.missed.map(({ key, task, runId }) => ({ key, task, run_id: runId })),
      refused: page.refused.map(({ key, task, problem: { code, detail } }) => ({
        key,
        task,
        code,
        detail,
      })),
      next_cursor: page.cursor,
    });
  });
}

/** Refuses a bucket that wrangler.toml does not bind, or that holds Peach's own payloads. */
export function unknownBucket({ buckets }: Plan, name: string): Problem {
  const known = projectBuckets(buckets);
  if (isPayloadBucket(buckets, name)) {
    return {
      code: "unknown_bucket",
      detail: `The bucket "${name}" is where Peach keeps payloads; no call reaches it.`,
      hint: `Payloads are read by the calls of their run. The project's buckets are ${known.join(", ") || "none"}.`,
    };
  }
  const meant = nearest(name, known);
  return {
    code: "unknown_bucket",
    detail: `wrangler.toml binds no bucket with the bucket_name "${name}".`,
    hint: `${meant === null ? "" : `Did you mean "${meant}"? `}The bound ones are ${known.join(", ") || "none"}.`,
  };
}
