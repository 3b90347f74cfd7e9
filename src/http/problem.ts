/** Writes problem documents (RFC 9457). This file alone maps an error code to its HTTP status. */
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Problem, ProblemCode } from "../domain/problem.ts";
import { isUnreadableRun } from "../domain/run/unreadable-run.ts";
import { isNewerFormat } from "../domain/version.ts";
import { boundedPlace, MAX_WRONG_PLACES, shortened } from "../payloads/misfit.ts";
import { isTransient } from "../platform/calls.ts";
import type { HttpEnv } from "./http-env.ts";
import { log } from "../platform/log.ts";

/** HTTP status and title of each code. Both are part of the public API. */
export const PROBLEM_KINDS = {
  invalid_json: [400, "The body is not JSON"],
  invalid_payload: [400, "The payload does not fit"],
  invalid_request: [400, "The request is not valid"],
  payload_not_serializable: [400, "The payload cannot be stored"],
  unauthorized: [401, "Not authorized"],
  signature_missing: [401, "The delivery is not signed"],
  signature_stale: [401, "The signature is too old"],
  signature_mismatch: [401, "The signature does not fit"],
  signature_not_configured: [401, "The endpoint has no secret"],
  forbidden: [403, "Not allowed"],
  not_callable: [403, "The task is not triggered so"],
  misconfigured: [500, "The deployment is misconfigured"],
  not_found: [404, "Not found"],
  unknown_task: [404, "Unknown task"],
  unknown_endpoint: [404, "Unknown endpoint"],
  unknown_run: [404, "Unknown run"],
  unknown_item: [404, "Unknown item"],
  unknown_bucket: [404, "Unknown bucket"],
  unknown_delivery: [404, "Unknown delivery"],
  unknown_dead_letter: [404, "Unknown dead letter"],
  unknown_token: [404, "Unknown token"],
  unknown_session: [404, "Unknown session"],
  no_payload: [404, "No payload"],
  no_schedule: [404, "No schedule"],
  method_not_allowed: [405, "Method not allowed"],
  run_final: [409, "The run is final"],
  run_not_final: [409, "The run is not final"],
  nothing_to_retry: [409, "There is nothing to retry"],
  already_completed: [409, "It has been completed already"],
  not_waiting: [409, "The task does not wait"],
  completion_expired: [410, "The time is over"],
  not_replayable: [409, "It cannot be replayed"],
  trigger_depth: [409, "Too many runs trigger each other"],
  idempotency_mismatch: [409, "The key belongs to another payload"],
  token_exists: [409, "There is such a token"],
  too_many_tokens: [409, "Too many tokens"],
  redrive_failed: [409, "It failed again"],
  delivery_not_whole: [409, "The delivery was not kept whole"],
  delivery_repeated: [409, "The delivery was sent before"],
  payload_too_large: [413, "The body is too large"],
  unsupported_encoding: [415, "The encoding is not understood"],
  uri_too_long: [414, "The address is too long"],
  rate_limited: [429, "Too many requests"],
  headers_too_large: [431, "The headers are too large"],
  range_not_satisfiable: [416, "There is no such part"],
  endpoint_failed: [500, "The endpoint failed"],
  endpoint_timeout: [504, "The endpoint took too long"],
  internal_error: [500, "Internal error"],
  run_unreadable: [500, "The run cannot be read"],
  overloaded: [429, "Overloaded"],
  unavailable: [503, "Not available now"],
  awaits_deploy: [503, "It waits for a deploy"],
} as const satisfies Record<ProblemCode, readonly [ContentfulStatusCode, string]>;

/** Default of `Retry-After`, for problems that name no time of their own. */
const RETRY_AFTER_SECONDS = 2;
/** Length of `detail` and `hint`, in characters. */
const MAX_DETAIL = 2_000;
/** Bytes of a whole document. With its headers, a refusal stays below 64 KB. */
const MAX_DOCUMENT_BYTES = 60_000;
const ENCODER = new TextEncoder();

/** Codes of passing conditions: their answers have a `Retry-After`. */
const RETRYABLE: ReadonlySet<ProblemCode> = new Set([
  "overloaded",
  "unavailable",
  "delivery_repeated",
]);

/**
 * Creates the response of a problem. `headers` override the standard ones.
 *
 * ```ts
 * return problemResponse(c, { code: "not_found", detail: "No such page.", hint: "Go home." });
 * ```
 */
export function problemResponse(
  c: Context<HttpEnv>,
  problem: Problem,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const { code, retryAfterSeconds } = problem;
  const [status] = PROBLEM_KINDS[code];
  return c.body(serialize(problem, c.get("requestId")), status, {
    "Content-Type": "application/problem+json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    ...(RETRYABLE.has(code)
      ? { "Retry-After": String(retryAfterSeconds ?? RETRY_AFTER_SECONDS) }
      : {}),
    ...headers,
  });
}

/**
 * Serializes a problem. Its texts may repeat parts of the request, so each text has a limit in
 * characters, and the document one in bytes: JSON may escape one character as six bytes. Entries of
 * `errors` are dropped from the end until the document fits.
 */
function serialize({ code, detail, hint, errors }: Problem, requestId: string): string {
  const [status, title] = PROBLEM_KINDS[code];
  const places = errors?.slice(0, MAX_WRONG_PLACES).map(boundedPlace);
  for (;;) {
    const text = JSON.stringify({
      type: `urn:peach:problem:${code}`,
      title,
      status,
      code,
      detail: shortened(detail, MAX_DETAIL),
      hint: shortened(hint, MAX_DETAIL),
      request_id: requestId,
      ...(places === undefined ? {} : { errors: places }),
    });
    if (
      ENCODER.encode(text).byteLength <= MAX_DOCUMENT_BYTES ||
      places === undefined ||
      places.length <= 1
    )
      return text;
    places.pop();
  }
}

/**
 * Turns an uncaught error into a problem document. The log gets the stack under the request's id;
 * the caller only gets the id.
 */
export function errorResponse(error: unknown, c: Context<HttpEnv>): Response {
  logFailure(c, "request failed", error);
  if (isTransient(error)) {
    return problemResponse(c, {
      code: "unavailable",
      detail: "The run cannot be reached now.",
      hint: "Ask again in a moment.",
    });
  }
  if (isNewerFormat(error)) {
    return problemResponse(c, {
      code: "awaits_deploy",
      detail:
        "Newer code than is deployed has written what is asked for. It is kept as it is, and goes on by itself.",
      hint: "Deploy the newer version again.",
    });
  }
  if (isUnreadableRun(error)) {
    return problemResponse(c, {
      code: "run_unreadable",
      detail:
        "The record of this run cannot be read, by a fault of the worker, so that the run does not go on.",
      hint: "The worker's log says why. Deploy a worker that reads it, then redrive its dead letter, which comes after an hour.",
    });
  }
  return problemResponse(c, {
    code: "internal_error",
    detail: "The request could not be answered, by a fault of the worker.",
    hint: "Try again. If it stays, look for the request_id in the worker's log.",
  });
}

/** Logs an error with its stack, under the request's id. */
export function logFailure(c: Context<HttpEnv>, message: string, error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? String(error)) : String(error);
  log("error", message, {
    request_id: c.get("requestId"),
    client_request_id: c.get("clientRequestId"),
    method: c.req.method,
    path: c.req.path,
    error: text,
  });
}
