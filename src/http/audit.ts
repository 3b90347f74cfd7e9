/**
 * One line in the worker's log for each change that somebody makes or tries to make by the API: who, what, from where, with which
 * result. What starts a run is no line: the run itself says by whom it was triggered.
 */
import type { Context } from "hono";
import { addressOf } from "./auth-failures.ts";
import type { HttpEnv } from "./http-env.ts";
import type { Operation } from "./operation.ts";

function resultOf(status: number): "done" | "refused" | "failed" {
  if (status < 400) return "done";
  return status < 500 ? "refused" : "failed";
}

/** Logs the line of a call that was answered with this status. */
export function audit(c: Context<HttpEnv>, operation: Operation, status: number): void {
  if (operation.right !== "change") return;
  const { name, scope } = c.get("caller");
  console.log(
    JSON.stringify({
      message: "audit",
      at: new Date().toISOString(),
      who: name,
      scope,
      what: operation.id,
      path: c.req.path,
      query: c.req.query(),
      from: addressOf(c),
      request_id: c.get("requestId"),
      status,
      result: resultOf(status),
    }),
  );
}
