/**
 * Calls an endpoint's method, and its `fallback` if that throws or takes longer than its `timeout`, and makes an answer of what comes
 * back. An endpoint answers for itself; what it throws is logged here and never shown. A method that is too late is not stopped: what
 * it triggers is triggered, but its answer is discardLateAnswer.
 */
import type { Context } from "hono";
import type { DeliveryRun } from "../../domain/delivery.ts";
import type { EndpointPlan } from "../../domain/plan/plan.ts";
import type { Problem, ProblemCode } from "../../domain/problem.ts";
import type { EndpointCall } from "../../execution/author/endpoint-scope.ts";
import type { EndpointFunction, MethodRegistry } from "../../execution/author/method.ts";
import type { Lifetime } from "../../triggers/accept.ts";
import { RequestProblemError } from "../../triggers/receive-object-events.ts";
import { parseSentJson } from "../../payloads/sent-json.ts";
import { canCarry, type LimitedRequest } from "./body-limit.ts";
import type { HttpEnv } from "../http-env.ts";
import { traceOf } from "../middleware/trace.ts";
import { logFailure, problemResponse } from "../problem.ts";

/** Calls an endpoint's method so that its helpers know where they are; it must tell `triggered` of each run. */
export type CallEndpoint = (
  method: EndpointFunction,
  request: Request,
  call: EndpointCall & { readonly env: Env; readonly lifetime: Lifetime },
) => unknown;

/** A request that was let in, or is made again from a record. */
export interface EndpointRequest extends Pick<EndpointCall, "source" | "params" | "actor"> {
  readonly endpoint: EndpointPlan;
  readonly limited: LimitedRequest;
  /** The sender's id of this delivery: what it triggers is triggered once. Null: every time. */
  readonly deliveryId: string | null;
}

export interface EndpointAnswer {
  readonly response: Response;
  /** Null if the endpoint has answered; else why Peach did in its place. */
  readonly reason: ProblemCode | null;
  readonly runs: readonly DeliveryRun[];
}

/** Resolves always, with an answer for the sender. */
export type AnswerRequest = (
  c: Context<HttpEnv>,
  request: EndpointRequest,
) => Promise<EndpointAnswer>;

/** What answers for the endpoints of this registry. */
export function createAnswerRequest(
  registry: MethodRegistry,
  callEndpoint: CallEndpoint,
): AnswerRequest {
  return async function answerRequest(c, call) {
    const { endpoint, limited } = call;
    const runs: DeliveryRun[] = [];
    const answer = await respond(c, call, runs);
    const fault = limited.fault();
    if (fault === null && answer instanceof Response)
      return { response: answer, reason: null, runs };
    if (answer instanceof Response) await answer.body?.cancel();
    const problem = fault ?? (answer instanceof Response ? endpointFailed(endpoint) : answer);
    return { response: problemResponse(c, problem), reason: problem.code, runs };
  };

  /** The endpoint's answer, else its fallback's, else why there is none. */
  async function respond(
    c: Context<HttpEnv>,
    call: EndpointRequest,
    runs: DeliveryRun[],
  ): Promise<Response | Problem> {
    const { endpoint, limited } = call;
    const log = (error: unknown): void => {
      if (limited.fault() === null) logFailure(c, `endpoint "${endpoint.name}" failed`, error);
    };
    const trace = traceOf(c);
    const run = async (key: string, request: Request, isFallback: boolean): Promise<Response> => {
      const called = async (): Promise<unknown> =>
        callEndpoint(methodOf(key), withBoundedJson(request), {
          name: endpoint.name,
          params: call.params,
          source: call.source,
          delivery: call.deliveryId === null ? null : { id: call.deliveryId, isFallback },
          requestId: c.get("requestId"),
          ...(call.actor !== undefined && { actor: call.actor }),
          ...trace,
          env: c.env,
          lifetime: c.executionCtx,
          triggered: (started) => void runs.push(started),
        });
      return toResponse(await withTimeout(c, endpoint, called()), runs);
    };
    try {
      if (endpoint.fallback === null) return await run(endpoint.method, limited.request, false);
      // Both get the whole body, so it is held: only where a fallback asks for it.
      const again = await repeatable(limited.request);
      try {
        return await run(endpoint.method, again(), false);
      } catch (error) {
        log(error);
        return await run(endpoint.fallback, again(), true);
      }
    } catch (error) {
      // The sender's to correct.
      if (error instanceof RequestProblemError) return error.problem;
      log(error);
      return error instanceof EndpointTimeoutError ? tooLate(endpoint) : endpointFailed(endpoint);
    }
  }

  function methodOf(key: string): EndpointFunction {
    const method = registry.endpoints[key];
    if (method === undefined) throw new Error(`the registry has no endpoint method "${key}"`);
    return method;
  }
}

class EndpointTimeoutError extends Error {
  override readonly name = "EndpointTimeoutError";
}

/** What the method comes to, or an `EndpointTimeoutError`; it goes on behind that, for as long as the platform lets it. */
async function withTimeout(
  c: Context<HttpEnv>,
  { timeoutMs }: EndpointPlan,
  result: Promise<unknown>,
): Promise<unknown> {
  const { promise: overdue, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new EndpointTimeoutError(`it has not answered within ${timeoutMs} ms`)),
    timeoutMs,
  );
  try {
    return await Promise.race([result, overdue]);
  } catch (error) {
    if (error instanceof EndpointTimeoutError)
      c.executionCtx.waitUntil(discardLateAnswer(c, result));
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function discardLateAnswer(c: Context<HttpEnv>, result: Promise<unknown>): Promise<void> {
  try {
    const late = await result;
    if (late instanceof Response) await late.body?.cancel();
  } catch (error) {
    logFailure(c, "an endpoint failed after its timeout", error);
  }
}

/**
 * The request, whose `json()` parses no more than a worker can bear. What is no JSON is the sender's to correct: unless the endpoint
 * catches it, the answer is 400, with the place.
 */
function withBoundedJson(request: Request): Request {
  return Object.defineProperty(request, "json", {
    value: async (): Promise<unknown> => {
      const parsed = parseSentJson(await request.text(), "Send valid JSON in UTF-8.");
      if (parsed.ok) return parsed.value;
      throw new RequestProblemError(parsed.problem);
    },
  });
}

async function repeatable(request: Request): Promise<() => Request> {
  if (!canCarry(request)) return () => new Request(request);
  const body = await request.arrayBuffer();
  return () => new Request(request, { body });
}

function toResponse(result: unknown, runs: readonly DeliveryRun[]): Response {
  if (result instanceof Response) return result;
  if (result === undefined) {
    return Response.json(
      { runs: runs.map(({ runId, task }) => ({ run_id: runId, task })) },
      { status: 202 },
    );
  }
  // Typed as string, but undefined for a function or a symbol.
  const json: string | undefined = JSON.stringify(result);
  if (json === undefined) throw new TypeError(`an endpoint cannot answer with a ${typeof result}`);
  return new Response(json, { headers: { "Content-Type": "application/json" } });
}

function tooLate(endpoint: EndpointPlan): Problem {
  return {
    code: "endpoint_timeout",
    detail: `The endpoint "${endpoint.name}" has not answered within ${endpoint.timeoutMs} ms.`,
    hint: "Send it again later. Its author sets `timeout` and `fallback` in peach.conf, and lets a task do what takes longer.",
  };
}

/** The refusal in the place of an answer that the endpoint did not come to. */
export function endpointFailed(endpoint: EndpointPlan): Problem {
  return {
    code: "endpoint_failed",
    detail: `The endpoint "${endpoint.name}" failed.`,
    hint: "Its author finds the reason under the request_id in the worker's log.",
  };
}
