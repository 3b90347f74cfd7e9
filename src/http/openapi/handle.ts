/** Serves an operation: method, path and right are its own, and its handler gets what its schemas have read. */
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

/** What a handler gets beside the request. */
export interface Call<O extends Operation> extends InputOf<O> {
  /** Notes in the audit that it was done, before it is answered: the answer may take long, and its reader may go. */
  readonly note: (status: number) => void;
  /** What the audit is to say that it was about, in place of its path and query. */
  readonly about: (subject: string) => void;
  /** Answers with the document that the operation promises for this status. */
  readonly reply: <Status extends keyof O["answers"] & DocumentStatus>(
    status: Status,
    document: DocumentOf<O, Status>,
  ) => Response;
}

/** What a client may send without need to a call that takes no body. */
const MAX_UNREAD_BYTES = 65_536;

/** Answers the operation by `answer`, for callers that have the right to it and ask for it as they should. */
export function handle<O extends Operation>(
  routes: Hono<HttpEnv>,
  operation: O,
  answer: (c: Context<HttpEnv>, call: Call<O>) => Response | Promise<Response>,
): void {
  const path = operation.path.replace(/\{(\w+)\}/g, ":$1");
  routes.on(operation.method, path, (c) =>
    operation.method === "GET" ? respond(c, UNAUDITED) : audited(c),
  );

  /** Those that only read are not audited. */
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

  /** Whether the caller has the right, to this task and this run. */
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

/** Notes a call of the API that was answered with this status. */
function auditCall(c: Context<HttpEnv>, operation: Operation, on: string, status: number): void {
  const act = { who: actorKey(c.get("caller")), what: operation.id, on, status };
  // What is refused costs its caller nothing, so there may be any number of it.
  if (operation.group === "Triggers" || status >= 400) auditCounted(c, act);
  else auditEach(c, act);
}

/** What the call is about: the parameters of its path, else of its query. */
function subjectOf(c: Context<HttpEnv>): string {
  const params = Object.values(c.req.param());
  return params.length > 0 ? params.join("/") : new URL(c.req.url).search.slice(1);
}
