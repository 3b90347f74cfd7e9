/**
 * Serves operations: checks the right, validates the request, calls the handler and audits the
 * call.
 */
import type { Context, Hono } from "hono";
import { actorKey } from "../../domain/actor.ts";
import type { Problem } from "../../domain/problem.ts";
import { auditCounted, auditEach, finishAfterDisconnect } from "../middleware/audit.ts";
import { refuseToTrigger, refuseWithout } from "../auth/authenticate.ts";
import type { Refusal } from "../auth/authenticator.ts";
import { declaredLength } from "../bounded-body.ts";
import type { HttpEnv } from "../http-env.ts";
import type { DocumentOf, InputOf, Operation, DocumentStatus } from "./operation.ts";
import { readInput } from "./read-input.ts";
import { refuseOthersRun } from "../auth/own-runs.ts";
import { problemResponse } from "../problem.ts";

/** The validated input of a call, and the functions to answer it. */
export interface Call<O extends Operation> extends InputOf<O> {
  /** Audits the call now instead of after the answer: the reader of a long answer may leave. */
  readonly note: (status: number) => void;
  /** Sets the subject of the audit entry, in place of path or query. */
  readonly about: (subject: string) => void;
  /** Answers with the document that the operation declares for this status. */
  readonly reply: <Status extends keyof O["answers"] & DocumentStatus>(
    status: Status,
    document: DocumentOf<O, Status>,
  ) => Response;
}

/** The routes below /api/v1. */
export type Routes = Hono<HttpEnv>;

/** Ignored size of a body, for calls that take none; a larger body is refused unread. */
const MAX_UNREAD_BYTES = 65_536;

/**
 * Registers a handler for the operation. The handler only runs for callers with the right and for
 * valid input.
 *
 * ```ts
 * handle(routes, readTask, async (c, { params, reply }) => {
 *   const task = find(params.task);
 *   return task === null ? problemResponse(c, unknown) : reply(200, task);
 * });
 * ```
 */
export function handle<O extends Operation>(
  routes: Routes,
  operation: O,
  answer: (c: Context<HttpEnv>, call: Call<O>) => Response | Promise<Response>,
): void {
  const path = operation.path.replace(/\{(\w+)\}/g, ":$1");
  routes.on(operation.method, path, (c) =>
    operation.method === "GET" ? respond(c, UNAUDITED) : audited(c),
  );

  /** Runs and audits a call that may change something. GET is not audited. */
  async function audited(c: Context<HttpEnv>): Promise<Response> {
    const record = { subject: subjectOf(c), isNoted: false };
    const note = (status: number): void => {
      if (!record.isNoted) auditCall(c, operation, record.subject, status);
      record.isNoted = true;
    };
    const about = (subject: string): void => void (record.subject = subject);
    const answered = respond(c, { note, about }).then(
      (response) => {
        note(response.status);
        return response;
      },
      (error: unknown) => {
        note(500);
        throw error;
      },
    );
    return finishAfterDisconnect(c, answered);
  }

  /** Runs the checks in order of cost: right, body, input. */
  async function respond(
    c: Context<HttpEnv>,
    notes: Pick<Call<O>, "note" | "about">,
  ): Promise<Response> {
    const refusal = await refuseCaller(c);
    if (refusal !== null) return problemResponse(c, refusal.problem, refusal.headers);
    if (operation.body === undefined && (declaredLength(c.req.raw) ?? 0) > MAX_UNREAD_BYTES)
      return problemResponse(c, UNREAD);
    const input = readInput(c, operation);
    if (!input.ok) return problemResponse(c, input.problem);
    return answer(c, {
      ...input.value,
      ...notes,
      reply: (status, document) => c.json(document, status),
    });
  }

  /** Checks the right, also for the task or run that the path names. */
  async function refuseCaller(c: Context<HttpEnv>): Promise<Refusal | null> {
    const { right } = operation;
    const { task, id } = c.req.param();
    const refusal = refuseWithout(right, c.get("caller"));
    if (refusal !== null) return refusal;
    if (right === "trigger" && task !== undefined) return refuseToTrigger([task], c.get("caller"));
    return right === "read_run" && id !== undefined ? refuseOthersRun(c, id) : null;
  }
}

const UNREAD: Problem = {
  code: "payload_too_large",
  detail: "The call takes no body.",
  hint: "Send it without one.",
};

const UNAUDITED = { note: () => undefined, about: () => undefined };

/** Audits a call that was answered with this status. */
function auditCall(c: Context<HttpEnv>, operation: Operation, on: string, status: number): void {
  const action = { who: actorKey(c.get("caller")), what: operation.id, on, status };
  // Refused calls cost nothing, so their number is unlimited.
  if (operation.group === "Triggers" || status >= 400) auditCounted(c, action);
  else auditEach(c, action);
}

/** Returns the subject of the call: the parameters of the path, else the query. */
function subjectOf(c: Context<HttpEnv>): string {
  const params = Object.values(c.req.param());
  return params.length > 0 ? params.join("/") : new URL(c.req.url).search.slice(1);
}
