/**
 * Errors of calls, distinguished by `name` and `code`. An aborted call rejects with its signal's
 * reason instead.
 */
import type { RunDocument } from "../contract/run.ts";
import type { ProblemCode } from "../domain/problem.ts";

/**
 * Error codes for programs: the codes of the API, and `connection_failed` (no answer),
 * `unexpected_answer` (an answer of another server), `result_timeout` and `run_failed`. A newer
 * server may send further codes.
 */
export type ErrorCode =
  | ProblemCode
  | "connection_failed"
  | "run_failed"
  | "unexpected_answer"
  | "result_timeout"
  | (string & Record<never, never>);

/** A refusal of the API. `code` is for programs, `detail` names the cause, `hint` the remedy. */
export class PeachError extends Error {
  override readonly name: string = "PeachError";
  readonly code: ErrorCode;
  readonly detail: string;
  readonly hint: string;
  /** The HTTP status; null without an answer. */
  readonly status: number | null;
  /** The id of the request in the worker's log. */
  readonly requestId: string | null;
  /** Faults of the input, each with its JSON path. */
  readonly errors: readonly { readonly path: string; readonly message: string }[];

  constructor(problem: {
    readonly code: ErrorCode;
    readonly detail: string;
    readonly hint: string;
    readonly status?: number;
    readonly requestId?: string | null;
    readonly errors?: readonly { readonly path: string; readonly message: string }[];
    readonly cause?: unknown;
  }) {
    super(`${problem.detail} ${problem.hint}`.trim(), { cause: problem.cause });
    this.code = problem.code;
    this.detail = problem.detail;
    this.hint = problem.hint;
    this.status = problem.status ?? null;
    this.requestId = problem.requestId ?? null;
    this.errors = problem.errors ?? [];
  }
}

/** The deployment does not answer, also after several attempts. */
export class PeachConnectionError extends PeachError {
  override readonly name = "PeachConnectionError";

  constructor(url: string, cause: unknown) {
    super({
      code: "connection_failed",
      detail: `${url} cannot be reached: ${reasonOf(cause)}.`,
      hint: "Is the address right, and does it run? Locally, start it with `npm run dev`.",
      cause,
    });
  }
}

/** The run was not final within the timeout of `result`. It continues. */
export class PeachTimeoutError extends PeachError {
  override readonly name = "PeachTimeoutError";

  constructor(runId: string, timeoutMs: number) {
    super({
      code: "result_timeout",
      detail: `The run ${runId} was not final within ${timeoutMs} ms.`,
      hint: "It goes on: ask for its result again, or follow its events.",
    });
  }
}

/** A task whose output was asked for did not succeed. `run` is the document of the run. */
export class PeachRunError extends PeachError {
  override readonly name = "PeachRunError";
  readonly run: RunDocument;

  constructor(run: RunDocument, task: string) {
    const failed = run.tasks.find(({ status }) => status === "failed");
    const error = failed?.attempts.findLast((attempt) => attempt.error !== null)?.error ?? null;
    const cause =
      error === null ? "" : `: ${failed?.task} failed with ${error.name}: ${error.message}`;
    super({
      code: "run_failed",
      detail: `The task ${task} of the run ${run.run_id} has no output, the run ${run.status === "cancelled" ? "was cancelled" : run.status}${cause}.`,
      hint: "Retry the run once the cause is mended, or look at its page in the dashboard.",
    });
    this.run = run;
  }
}

/** Finds the reason of a failed fetch, which is in its `cause`. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error && cause.message !== "") return cause.message;
  // Node tries several addresses and reports the errors of all.
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error)
    return cause.errors[0].message;
  return error.message;
}
