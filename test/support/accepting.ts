/** The way in, as tests of it call it. */
import type { RunId } from "../../src/domain/ids.ts";
import { encodePayload, type EncodedPayload } from "../../src/payloads/codec.ts";
import { callRun } from "../../src/objects/run/run-client.ts";
import type { AcceptRequest } from "../../src/objects/run/accept-rpc.ts";
import type { ClaimRequest, Grant } from "../../src/objects/run/lease-rpc.ts";
import type { AcceptDependencies, TriggerRequest } from "../../src/triggers/accept.ts";
import { createAcceptTrigger } from "../../src/triggers/trigger-acceptor.ts";
import { OPEN_GATE } from "./open-gate.ts";
import { planOf, taskPlan } from "./plan.ts";

/** `echo` ─▶ `after`, and `at_once`, which starts in the accepting invocation. */
const PLAN = planOf([
  taskPlan("echo", { downstream: ["after"] }),
  taskPlan("after", { method: "echo", upstream: ["echo"] }),
  taskPlan("at_once", { method: "echo", dispatch: "direct" }),
]);
/** What the accepting invocation asks for. */
const DIRECT: ClaimRequest = { holding: 0, budgetMs: 28_000 };

/** The real way in, over real run objects; what it would drive is noted. */
export function accepting(overrides: Partial<AcceptDependencies> = {}) {
  const driven: { runId: RunId; grant: Grant }[] = [];
  const accept = createAcceptTrigger({
    plan: PLAN,
    registry: { tasks: {} },
    callRun,
    gate: OPEN_GATE,
    directClaim: DIRECT,
    driveGrant: async (_, runId, grant) => void driven.push({ runId, grant }),
    ...overrides,
  });
  return { driven, accept };
}

/** A trigger of `echo`. */
export function triggerOf(payload: unknown, overrides: Partial<TriggerRequest> = {}): TriggerRequest {
  return {
    task: "echo",
    payload: encoded(payload),
    idempotencyKey: null,
    origin: { source: "api", by: "test", parent: null },
    ...overrides,
  };
}

/** A payload as the way in takes it. */
function encoded(value: unknown): EncodedPayload {
  const result = encodePayload(value);
  if (!result.ok) throw new Error(result.problem.detail);
  return result.value;
}

/** Passes the request on, and notes it. */
export function noting(requests: AcceptRequest[]): typeof callRun {
  return (bindings, runId, call) =>
    callRun(bindings, runId, (run) =>
      call(
        new Proxy(run, {
          get: (target, name) =>
            name === "accept"
              ? (request: AcceptRequest) => {
                  requests.push(request);
                  return target.accept(request);
                }
              : Reflect.get(target, name),
        }),
      ),
    );
}
