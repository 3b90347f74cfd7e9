/** `POST /r2/{bucket}/reconcile`: triggers what R2's notifications have missed, a page of the bucket's objects a call. */
import { Hono, type Context } from "hono";
import { nearest } from "../../conf/nearest.ts";
import { parseDuration } from "../../core/duration.ts";
import type { Plan } from "../../core/plan.ts";
import { ok, refuse, type Problem, type Result } from "../../core/result.ts";
import { boundBucket } from "../../trigger/bound-bucket.ts";
import { reconcilePage, type ReconcileDependencies, type ReconcileRequest } from "../../trigger/reconcile.ts";
import { allow } from "../auth.ts";
import type { HttpEnv } from "../http-env.ts";
import { problemResponse } from "../problem.ts";

/** Objects a call: each may be several runs, and a call has a bounded number of requests of its own. */
const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 500;

/** The route below /api/v1. */
export function reconcileRoutes(dependencies: ReconcileDependencies): Hono<HttpEnv> {
  return new Hono<HttpEnv>().post("/r2/:bucket/reconcile", allow("change"), async (c) => {
    const name = c.req.param("bucket");
    const bucket = boundBucket(c.env, dependencies.plan, name);
    if (bucket === null) return problemResponse(c, unknownBucket(dependencies.plan, name));
    const options = readOptions(c);
    if (!options.ok) return problemResponse(c, options.problem);
    const request = { ...options.value, bucket, name };
    const page = await reconcilePage(dependencies, c.env, c.executionCtx, request);
    return c.json({
      bucket: name,
      dry_run: request.isDryRun,
      listed: page.listed,
      matching: page.matching,
      too_old: page.tooOld,
      missed: page.missed.map(({ key, task, runId }) => ({ key, task, run_id: runId })),
      refused: page.refused.map(({ key, task, problem: { code, detail } }) => ({ key, task, code, detail })),
      next_cursor: page.cursor,
    });
  });
}

/** The refusal of a bucket that wrangler.toml does not bind. */
export function unknownBucket(plan: Plan, name: string): Problem {
  const known = Object.keys(plan.buckets);
  const meant = nearest(name, known);
  return {
    code: "unknown_bucket",
    detail: `wrangler.toml binds no bucket with the bucket_name "${name}".`,
    hint: `${meant === null ? "" : `Did you mean "${meant}"? `}The bound ones are ${known.join(", ") || "none"}.`,
  };
}

function readOptions(c: Context<HttpEnv>): Result<Omit<ReconcileRequest, "bucket" | "name">> {
  const { prefix = "", since, dry_run: dryRun = "false", cursor = null, limit = String(DEFAULT_LIMIT) } = c.req.query();
  const sinceMs = since === undefined ? null : parseDuration(since);
  if (since !== undefined && sinceMs === null) return refuse(invalid("since", since, "a duration such as 2h or 7d"));
  if (dryRun !== "true" && dryRun !== "false") return refuse(invalid("dry_run", dryRun, "true or false"));
  if (!/^[1-9]\d{0,2}$/.test(limit) || Number(limit) > MAX_LIMIT)
    return refuse(invalid("limit", limit, `a whole number from 1 to ${MAX_LIMIT}`));
  return ok({
    prefix,
    since: sinceMs === null ? 0 : Date.now() - sinceMs,
    isDryRun: dryRun === "true",
    cursor,
    limit: Number(limit),
  });
}

function invalid(name: string, given: string, expected: string): Problem {
  return {
    code: "invalid_request",
    detail: `The query \`${name}\` must be ${expected}; it is ${JSON.stringify(given)}.`,
    hint: "Correct it, or leave it away. Without `since` all objects are looked at that are not older than `retention`.",
  };
}
