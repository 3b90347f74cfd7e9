/**
 * Runs the endpoints of peach.conf at their urls: method, `max_body`, CORS, the call, its `fallback`, and what its result
 * becomes. An endpoint answers for itself; what it throws is logged here and never shown.
 *
 * Where several endpoints share a url, the first in file order whose methods fit answers.
 */
import { Hono, type Context } from "hono";
import { cors } from "hono/cors";
import { METHOD_NAME_ALL } from "hono/router";
import type { EndpointPlan, Plan } from "../core/plan.ts";
import type { Problem } from "../core/result.ts";
import type { ChildRun } from "../core/run.ts";
import type { EndpointCall } from "../task/endpoint-scope.ts";
import type { EndpointFunction, MethodRegistry } from "../task/method.ts";
import type { Lifetime } from "../trigger/accept.ts";
import { limitBody, type LimitedRequest } from "./body-limit.ts";
import type { HttpEnv } from "./http-env.ts";
import { logFailure, problemResponse } from "./problem.ts";

/** Calls an endpoint's method so that its helpers know where they are; it must tell `triggered` of each run. */
export type CallEndpoint = (
  method: EndpointFunction,
  request: Request,
  call: EndpointCall & { readonly env: Env; readonly lifetime: Lifetime },
) => unknown;

export interface EndpointDependencies {
  readonly plan: Plan;
  readonly registry: MethodRegistry;
  readonly callEndpoint: CallEndpoint;
}

/** All endpoints of the plan. */
export function endpointRoutes({ plan, registry, callEndpoint }: EndpointDependencies): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  for (const endpoint of plan.endpoints) {
    const methods = methodsOf(endpoint);
    if (endpoint.cors !== null) {
      const { origins } = endpoint.cors;
      const shared = cors({
        origin: origins.includes("*") ? "*" : [...origins],
        ...(endpoint.methods === null ? {} : { allowMethods: [...endpoint.methods] }),
      });
      routes.on(methods.includes(METHOD_NAME_ALL) ? methods : [...methods, "OPTIONS"], endpoint.url, shared);
    }
    routes.on(methods, endpoint.url, (c) => answer(c, endpoint));
  }
  return routes;

  async function answer(c: Context<HttpEnv>, endpoint: EndpointPlan): Promise<Response> {
    const limited = limitBody(c.req.raw, endpoint.maxBodyBytes);
    if (limited === null) return problemResponse(c, tooLarge(endpoint));
    const runs: ChildRun[] = [];
    const response = await respond(c, endpoint, limited, async (method, request) => {
      const result = callEndpoint(method, request, {
        name: endpoint.name,
        params: c.req.param(),
        requestId: c.get("requestId"),
        env: c.env,
        lifetime: c.executionCtx,
        triggered: (run) => void runs.push(run),
      });
      return toResponse(await result, runs);
    });
    if (!limited.exceeded()) return response;
    await response.body?.cancel();
    return problemResponse(c, tooLarge(endpoint));
  }

  /** The endpoint's answer, else its fallback's, else the problem `endpoint_failed`. */
  async function respond(
    c: Context<HttpEnv>,
    endpoint: EndpointPlan,
    limited: LimitedRequest,
    call: (method: EndpointFunction, request: Request) => Promise<Response>,
  ): Promise<Response> {
    const failed = (error: unknown): void => {
      if (!limited.exceeded()) logFailure(c, `endpoint "${endpoint.name}" failed`, error);
    };
    try {
      if (endpoint.fallback === null) return await call(methodOf(endpoint.method), limited.request);
      // Both get the whole body, so it is held: only where a fallback asks for it.
      const again = await rereadable(limited.request);
      try {
        return await call(methodOf(endpoint.method), again());
      } catch (error) {
        failed(error);
        return await call(methodOf(endpoint.fallback), again());
      }
    } catch (error) {
      failed(error);
      return problemResponse(c, {
        code: "endpoint_failed",
        detail: `The endpoint "${endpoint.name}" failed.`,
        hint: "Its author finds the reason under the request_id in the worker's log.",
      });
    }
  }

  function methodOf(key: string): EndpointFunction {
    const method = registry.endpoints[key];
    if (method === undefined) throw new Error(`the registry has no endpoint method "${key}"`);
    return method;
  }
}

/** Hono answers HEAD by the route of GET. */
function methodsOf(endpoint: EndpointPlan): string[] {
  if (endpoint.methods === null) return [METHOD_NAME_ALL];
  return endpoint.methods.map((method) => (method === "HEAD" ? "GET" : method));
}

async function rereadable(request: Request): Promise<() => Request> {
  if (request.body === null) return () => new Request(request);
  const body = await request.arrayBuffer();
  return () => new Request(request, { body });
}

function toResponse(result: unknown, runs: readonly ChildRun[]): Response {
  if (result instanceof Response) return result;
  if (result === undefined) {
    return Response.json({ runs: runs.map(({ runId, task }) => ({ run_id: runId, task })) }, { status: 202 });
  }
  // Typed as string, but undefined for a function or a symbol.
  const json: string | undefined = JSON.stringify(result);
  if (json === undefined) throw new TypeError(`an endpoint cannot answer with a ${typeof result}`);
  return new Response(json, { headers: { "Content-Type": "application/json" } });
}

function tooLarge(endpoint: EndpointPlan): Problem {
  return {
    code: "payload_too_large",
    detail: `The endpoint "${endpoint.name}" takes bodies of at most ${endpoint.maxBodyBytes} bytes.`,
    hint: "Send less, or upload the data and send its address; `max_body` in peach.conf sets the limit.",
  };
}
