/** Writes problem documents (RFC 9457). */
import type { Context } from "hono";
import { PROBLEM_KINDS } from "../contract/problem-kinds.ts";
import type { Problem, ProblemCode } from "../domain/problem.ts";
import { isUnreadableRun } from "../domain/run/unreadable-run.ts";
import { isNewerFormat } from "../domain/version.ts";
import { boundedPlace, MAX_WRONG_PLACES, shortened } from "../payloads/misfit.ts";
import { isTransient } from "../platform/calls.ts";
import type { HttpEnv } from "./http-env.ts";
import { log, traceOfThrown } from "../platform/log.ts";

/** Default of `Retry-After`, for problems that name no time of their own. */
const RETRY_AFTER_SECONDS = 2;
/** Length of `detail` and `hint`, in characters. */
const MAX_DETAIL = 2_000;
/** Bytes of a whole document. With its headers, a refusal stays below 64 KB. */
const MAX_DOCUMENT_BYTES = 60_000;
const ENCODER = new TextEncoder();

/** Codes of passing conditions: their answers have a `Retry-After`. */
const RETRYABLE: ReadonlySet<ProblemCode> = new Set(["overloaded", "unavailable"]);

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
  log("error", message, {
    request_id: c.get("requestId"),
    client_request_id: c.get("clientRequestId"),
    method: c.req.method,
    path: c.req.path,
    error: traceOfThrown(error),
  });
}
