/** `POST /r2/{bucket}/reconcile`: triggers what R2's notifications have missed, a page of the bucket's objects a call. */
import { Hono } from "hono";
import { nearest } from "../../domain/nearest.ts";
import { isPayloadBucket, projectBuckets } from "../../domain/payload-bucket.ts";
import type { Plan } from "../../domain/plan/plan.ts";
import type { Problem } from "../../domain/problem.ts";
import { boundBucket } from "../../triggers/bound-bucket.ts";
import { reconcilePage, type ReconcileDependencies } from "../../triggers/reconcile.ts";
import { handle } from "../openapi/handle.ts";
import type { HttpEnv } from "../http-env.ts";
import { reconcileBucket } from "./triggers.operations.ts";
import { problemResponse } from "../problem.ts";

/** The route below /api/v1. */
export function reconcileRoutes(dependencies: ReconcileDependencies): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
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
  return routes;
}

/** The refusal of a bucket that wrangler.toml does not bind, and of the one with payloads. */
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
