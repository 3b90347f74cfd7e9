/** Client of the object of the audit. */
import { callWithRetries } from "../../platform/calls.ts";
import type { AuditRpc } from "./audit-rpc.ts";

const NAME = "audit";

/** Calls the object, with bounded retries. Rejects when all tries fail. */
export async function callAudit<T>(env: Env, call: (audit: AuditRpc) => Promise<T>): Promise<T> {
  return callWithRetries("the object of the audit", () => call(env.AUDIT.getByName(NAME)));
}
