/** Serves an operation: method, path and right are its own, and its handler gets what its schemas have read. */
import type { Context, Hono } from "hono";
import { actorKey } from "../core/actor.ts";
import type { Problem } from "../core/result.ts";
import { auditOften, auditOnce } from "./audit.ts";
import { refuseToTrigger, refuseWithout } from "./auth.ts";
import type { Refusal } from "./authenticator.ts";
import { declaredLength } from "./bounded-body.ts";
import type { HttpEnv } from "./http-env.ts";
import type { DocumentOf, InputOf, Operation, DocumentStatus } from "./operation.ts";
import { readInput } from "./operation-input.ts";
import { refuseOthersRun } from "./own-runs.ts";
import { problemResponse } from "./problem.ts";

/** What a handler gets beside the request. */
export interface Call<O extends Operation> extends InputOf<O> {
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
  routes.on(operation.method, path, async (c) => {
    try {
      const response = await respond(c);
      auditCall(c, operation, response.status);
      return response;
    } catch (error) {
      auditCall(c, operation, 500);
      throw error;
    }
  });

  async function respond(c: Context<HttpEnv>): Promise<Response> {
    const refusal = await refuseCaller(c);
    if (refusal !== null) return problemResponse(c, refusal.problem, refusal.headers);
    if (operation.body === undefined && (declaredLength(c.req.raw) ?? 0) > MAX_UNREAD_BYTES)
      return problemResponse(c, UNREAD);
    const input = readInput(c, operation);
    if (!input.ok) return problemResponse(c, input.problem);
    return answer(c, { ...input.value, reply: (status, document) => c.json(document, status) });
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

/** Notes a call of the API that was answered with this status. Those that only read are not noted. */
function auditCall(c: Context<HttpEnv>, operation: Operation, status: number): void {
  if (operation.method === "GET") return;
  const act = { who: actorKey(c.get("caller")), what: operation.id, on: subjectOf(c), status };
  if (operation.group === "Triggers") auditOften(c, act);
  else auditOnce(c, act);
}

/** What the call is about: the parameters of its path, else of its query. */
function subjectOf(c: Context<HttpEnv>): string {
  const params = Object.values(c.req.param());
  return params.length > 0 ? params.join("/") : new URLSearchParams(c.req.query()).toString();
}
