/**
 * Calls the method of an endpoint, and the `fallback` if the method throws or exceeds the
 * `timeout`. The result becomes the answer. Errors are logged and never shown to the sender. A late
 * method cannot be stopped: runs still start, but the answer is discarded.
 */
import type { Context } from "hono";
import type { DeliveryRun } from "../../domain/delivery.ts";
import type { EndpointPlan } from "../../domain/plan/plan.ts";
import type { Problem, ProblemCode } from "../../domain/problem.ts";
import type { EndpointCall } from "../../execution/author/endpoint-scope.ts";
import type { EndpointFunction, MethodRegistry } from "../../execution/author/method.ts";
import type { Lifetime } from "../../platform/lifetime.ts";
import { RequestProblemError } from "../../triggers/receive-object-events.ts";
import { inexactNumbersOf } from "../../payloads/request-body.ts";
import { parseSentJson } from "../../payloads/sent-json.ts";
import { canCarry, type LimitedRequest } from "./body-limit.ts";
import type { HttpEnv } from "../http-env.ts";
import { traceOf } from "../middleware/trace.ts";
import { logFailure, problemResponse } from "../problem.ts";

/**
 * Calls a method with the context that the task helpers need. The implementation reports each
 * started run by `triggered`.
 */
export type CallEndpoint = (
  method: EndpointFunction,
  request: Request,
  call: EndpointCall & { readonly env: Env; readonly lifetime: Lifetime },
) => unknown;

/** An admitted request, or one rebuilt from a record. */
export interface EndpointRequest extends Pick<EndpointCall, "source" | "params" | "actor"> {
  readonly endpoint: EndpointPlan;
  readonly limited: LimitedRequest;
  /**
   * The sender's id of this delivery: a run triggered under the same id starts once. Null starts a
   * run every time.
   */
  readonly deliveryId: string | null;
}

/** The answer, and the runs that the call started. */
export interface EndpointAnswer {
  readonly response: Response;
  /** Code of the problem that Peach answered with; null if the endpoint answered. */
  readonly reason: ProblemCode | null;
  readonly runs: readonly DeliveryRun[];
  /** True if the request was refused, and no code of the author was called. Absent: false. */
  readonly isRefused?: boolean;
}

/** Calls the endpoint. Never rejects: failures become an answer for the sender. */
export type AnswerRequest = (
  c: Context<HttpEnv>,
  request: EndpointRequest,
) => Promise<EndpointAnswer>;

/** Creates the function that calls the endpoints of this registry. */
export function createAnswerRequest(
  registry: MethodRegistry,
  callEndpoint: CallEndpoint,
): AnswerRequest {
  return async function answerRequest(c, call) {
    const { limited } = call;
    const runs: DeliveryRun[] = [];
    const answer = await respond(c, call, runs);
    const fault = limited.fault();
    if (fault !== null && answer instanceof Response) await answer.body?.cancel();
    const told = fault ?? answer;
    if (told instanceof Response) return { response: told, reason: null, runs };
    return { response: problemResponse(c, told), reason: told.code, runs };
  };

  /** Returns the answer of the method or of the fallback; a problem if both failed. */
  async function respond(
    c: Context<HttpEnv>,
    call: EndpointRequest,
    runs: DeliveryRun[],
  ): Promise<Response | Problem> {
    const { endpoint, limited } = call;
    const { method } = endpoint;
    if (method === null) return endpointFailed(endpoint);
    const log = (error: unknown): void => {
      if (limited.fault() === null) logFailure(c, `endpoint "${endpoint.name}" failed`, error);
    };
    const trace = traceOf(c);
    const run = async (key: string, request: Request, isFallback: boolean): Promise<Response> => {
      let late = (): void => undefined;
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
          whenLate: (work) => void (late = work),
          triggered: (started) => void runs.push(started),
        });
      return toResponse(await withTimeout(c, endpoint, called(), () => late()), runs);
    };
    try {
      if (endpoint.fallback === null) return await run(method, limited.request, false);
      // Method and fallback each read the whole body, so it is buffered, but only for an endpoint
      // with a fallback.
      const again = await repeatable(limited.request);
      try {
        return await run(method, again(), false);
      } catch (error) {
        log(error);
        return await run(endpoint.fallback, again(), true);
      }
    } catch (error) {
      // A fault in the request, which the sender must correct.
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

/** The method of an endpoint took longer than its timeout. */
class EndpointTimeoutError extends Error {
  override readonly name = "EndpointTimeoutError";
}

/**
 * Awaits the method, or rejects with `EndpointTimeoutError`. A late method runs on for as long as
 * the platform allows, without its connections.
 */
async function withTimeout(
  c: Context<HttpEnv>,
  { timeoutMs }: EndpointPlan,
  result: Promise<unknown>,
  late: () => void,
): Promise<unknown> {
  const { promise: overdue, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new EndpointTimeoutError(`it has not answered within ${timeoutMs} ms`));
    late();
  }, timeoutMs);
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

/** Waits for a late method and cancels the answer, which would otherwise stay open. */
async function discardLateAnswer(c: Context<HttpEnv>, result: Promise<unknown>): Promise<void> {
  try {
    const late = await result;
    if (late instanceof Response) await late.body?.cancel();
  } catch (error) {
    logFailure(c, "an endpoint failed after its timeout", error);
  }
}

/**
 * Replaces `json()` by a parser with limits on depth and size, which changes no number. Invalid
 * JSON is a fault of the sender: unless the endpoint catches the error, the answer is 400 with the
 * position.
 */
function withBoundedJson(request: Request): Request {
  return Object.defineProperty(request, "json", {
    value: async (): Promise<unknown> => {
      const text = await request.text();
      const parsed = parseSentJson(text, "Send valid JSON in UTF-8.");
      if (!parsed.ok) throw new RequestProblemError(parsed.problem);
      const inexact = inexactNumbersOf(text);
      if (inexact !== null) throw new RequestProblemError(inexact);
      return parsed.value;
    },
  });
}

/** Buffers the body and returns a function that makes the request anew. */
async function repeatable(request: Request): Promise<() => Request> {
  if (!canCarry(request)) return () => new Request(request);
  const body = await request.arrayBuffer();
  return () => new Request(request, { body });
}

/**
 * Converts the method's result: a Response as it is, `undefined` to 202 with the started runs,
 * anything else to JSON.
 */
function toResponse(result: unknown, runs: readonly DeliveryRun[]): Response {
  if (result instanceof Response) return result;
  if (result === undefined) {
    return Response.json(
      { runs: runs.map(({ runId, task }) => ({ run_id: runId, task })) },
      { status: 202 },
    );
  }
  // Typed as string, but `JSON.stringify` returns undefined for a function or a symbol.
  const json: string | undefined = JSON.stringify(result);
  if (json === undefined) throw new TypeError(`an endpoint cannot answer with a ${typeof result}`);
  return new Response(json, { headers: { "Content-Type": "application/json" } });
}

/** Answers 504 for a method that took too long. */
function tooLate(endpoint: EndpointPlan): Problem {
  return {
    code: "endpoint_timeout",
    detail: `The endpoint "${endpoint.name}" has not answered within ${endpoint.timeoutMs} ms.`,
    hint: "Send it again later. Its author sets `timeout` and `fallback` in peach.conf, and lets a task do what takes longer.",
  };
}

/** Problem of an endpoint that gave no answer. */
export function endpointFailed(endpoint: EndpointPlan): Problem {
  return {
    code: "endpoint_failed",
    detail: `The endpoint "${endpoint.name}" failed.`,
    hint: "Its author finds the reason under the request_id in the worker's log.",
  };
}
