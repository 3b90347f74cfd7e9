/** What a call rejects with. All can be told by `name` and `code`. An aborted call rejects with its signal's reason instead. */
import type { ProblemCode } from "../domain/problem.ts";

/**
 * What programs compare. Beside those of the API: `connection_failed` (nobody answers), `unexpected_answer` (who answers is not
 * Peach), `result_timeout`. A server that is newer than this client may answer others.
 */
export type ErrorCode =
  | ProblemCode
  | "connection_failed"
  | "unexpected_answer"
  | "result_timeout"
  | (string & Record<never, never>);

/** A refusal: `code` is for programs, `detail` says what is wrong, `hint` what to do. */
export class PeachError extends Error {
  override readonly name: string = "PeachError";
  readonly code: ErrorCode;
  readonly detail: string;
  readonly hint: string;
  /** The HTTP status; null if there was no answer. */
  readonly status: number | null;
  /** Finds the request in the worker's log. */
  readonly requestId: string | null;
  /** Each wrong place of the input, as a JSON path. */
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

/** Nobody answers, also after several tries. */
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

/** `result({timeout})`: the run was not final in time. It goes on. */
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

/** Of a fetch that failed, the cause says why. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error && cause.message !== "") return cause.message;
  // Node tries several addresses and gives all their errors at once.
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error)
    return cause.errors[0].message;
  return error.message;
}
