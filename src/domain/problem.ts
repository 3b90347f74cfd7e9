/**
 * A refusal with an instruction for people. Expected outcomes are returned as a `Result`; a throw
 * means a bug or broken infrastructure. Programs compare the literal `code`; `detail` names the
 * value, `hint` the remedy.
 */
export interface Problem {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly hint: string;
  /** Invalid places of the input, as JSON paths from `$`. */
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
  /** Delay before a retry; absent if unknown. */
  readonly retryAfterSeconds?: number;
}

/** Every code visible to a caller. `http/problem.ts` maps each code to a status. */
export type ProblemCode =
  | "unauthorized"
  | "forbidden"
  | "not_callable"
  | "misconfigured"
  | "not_found"
  | "unknown_task"
  | "unknown_endpoint"
  | "unknown_run"
  | "unknown_item"
  | "unknown_bucket"
  | "no_payload"
  | "no_schedule"
  | "method_not_allowed"
  | "invalid_json"
  | "invalid_payload"
  | "invalid_request"
  | "payload_not_serializable"
  | "payload_too_large"
  | "unsupported_encoding"
  | "range_not_satisfiable"
  | "run_final"
  | "run_not_final"
  | "nothing_to_retry"
  | "not_replayable"
  | "already_completed"
  | "not_waiting"
  | "completion_expired"
  | "trigger_depth"
  | "idempotency_mismatch"
  | "endpoint_failed"
  | "endpoint_timeout"
  | "recommendation_failed"
  | "signature_missing"
  | "signature_stale"
  | "signature_mismatch"
  | "signature_not_configured"
  | "unknown_delivery"
  | "unknown_dead_letter"
  | "unknown_token"
  | "unknown_session"
  | "token_exists"
  | "too_many_tokens"
  | "redrive_failed"
  | "delivery_not_whole"
  | "delivery_repeated"
  | "rate_limited"
  | "uri_too_long"
  | "headers_too_large"
  | "overloaded"
  | "unavailable"
  | "awaits_deploy"
  | "run_unreadable"
  | "internal_error";

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: Problem };

/** Makes a success. */
export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

/** Makes a refusal. */
export function refuse(problem: Problem): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem };
}

/** Carries a refusal through code with exceptions only, such as a task's call of a helper. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(`${problem.detail} ${problem.hint}`);
    this.name = "PeachError";
    this.problem = problem;
  }
}
