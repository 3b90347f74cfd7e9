/** `POST /tasks/{task}/trigger`: a trigger by HTTP, from a program or a notebook. */
import { Hono, type Context } from "hono";
import { parseDuration } from "../../core/duration.ts";
import type { Plan } from "../../core/plan.ts";
import { ok, refuse, type Problem, type Result } from "../../core/result.ts";
import type { TriggerOrigin } from "../../core/trigger.ts";
import { encodeRequestBody } from "../../payload/request-body.ts";
import type { callRun } from "../../run/run-client.ts";
import { unknownTask, type AcceptedTrigger, type AcceptTrigger } from "../../trigger/accept.ts";
import { allow } from "../auth.ts";
import type { HttpEnv } from "../http-env.ts";
import { problemResponse } from "../problem.ts";
import { contentLength, MAX_PAYLOAD_BYTES, readIdempotencyKey } from "../trigger-request.ts";

export interface TriggerRouteDependencies {
  readonly plan: Plan;
  readonly acceptTrigger: AcceptTrigger;
  readonly callRun: typeof callRun;
}

const MAX_WAIT_MS = 5 * 60_000;

/** The route below /api/v1. */
export function triggerRoutes({ plan, acceptTrigger, callRun }: TriggerRouteDependencies): Hono<HttpEnv> {
  return new Hono<HttpEnv>().post("/tasks/:task/trigger", allow("trigger"), async (c) => {
    const task = c.req.param("task");
    if (!Object.hasOwn(plan.tasks, task)) return problemResponse(c, unknownTask(Object.keys(plan.tasks), task));
    const options = readOptions(c);
    if (!options.ok) return problemResponse(c, options.problem);
    const { idempotencyKey, waitMs, delayMs } = options.value;

    const payload = await encodeRequestBody(
      { contentType: c.req.header("Content-Type") ?? null, contentLength: contentLength(c), body: c.req.raw.body },
      MAX_PAYLOAD_BYTES,
    );
    if (!payload.ok) return problemResponse(c, payload.problem);
    const accepted = await acceptTrigger(c.env, c.executionCtx, {
      task,
      payload: payload.value,
      idempotencyKey,
      origin: originOf(c),
      delayMs,
    });
    if (!accepted.ok) return problemResponse(c, accepted.problem);
    if (waitMs === null) return c.json(acceptedDocument(c, accepted.value), 202);

    const { runId } = accepted.value;
    // Accepted is accepted: if the run cannot be reached meanwhile, the answer is that it goes on.
    const final = await callRun(c.env, runId, (run) => run.untilFinal(waitMs)).catch(() => null);
    if (final !== null) return c.json(final, 200);
    // Meanwhile the status has moved on from the one it was accepted with.
    const current = await callRun(c.env, runId, (run) => run.describe()).catch(() => null);
    const status = current?.status ?? accepted.value.status;
    return c.json(acceptedDocument(c, { ...accepted.value, status }), 202);
  });
}

interface TriggerOptions {
  readonly idempotencyKey: string | null;
  /** Null: answer at once. */
  readonly waitMs: number | null;
  readonly delayMs: number;
}

function readOptions(c: Context<HttpEnv>): Result<TriggerOptions> {
  const key = readIdempotencyKey(c);
  if (!key.ok) return key;
  const idempotencyKey = key.value;
  const delayMs = readDuration(c, "delay");
  if (delayMs === undefined)
    return refuse(noDuration(c, "delay", "30d", "A delay is written like `30s`, `2h` or `7d`."));
  const waitMs = readDuration(c, "wait");
  if (waitMs === undefined || (waitMs ?? 0) > MAX_WAIT_MS) {
    return refuse(
      noDuration(c, "wait", "5m", "Write it like `30s` or `2m`. To follow a longer run, ask for it by its id."),
    );
  }
  return ok({ idempotencyKey, waitMs, delayMs: delayMs ?? 0 });
}

/** Milliseconds; null: not asked for; undefined: not a duration. */
function readDuration(c: Context<HttpEnv>, name: string): number | null | undefined {
  const text = c.req.query(name);
  return text === undefined ? null : (parseDuration(text) ?? undefined);
}

function noDuration(c: Context<HttpEnv>, name: string, most: string, hint: string): Problem {
  const detail = `The query \`${name}\` must be a duration of at most ${most}; it is ${JSON.stringify(c.req.query(name))}.`;
  return { code: "invalid_request", detail, hint };
}

function originOf(c: Context<HttpEnv>): TriggerOrigin {
  const isLab = c.req.header("X-Peach-Source") === "lab";
  return { source: isLab ? "lab" : "api", by: c.get("caller").name, parent: null };
}

function acceptedDocument(c: Context<HttpEnv>, { runId, task, status, deduplicated }: AcceptedTrigger): object {
  return { run_id: runId, task, status, deduplicated, url: new URL(`/api/v1/runs/${runId}`, c.req.url).href };
}
