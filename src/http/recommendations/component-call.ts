/**
 * Calls a component, or the fallback, within a time limit. The result becomes JSON text at once:
 * the cache stores text, and requests that wait for the same result get the same text.
 */
import type { Context } from "hono";
import type { EndpointPlan } from "../../domain/plan/plan.ts";
import type { Params } from "../../domain/recommendations/params.ts";
import { type ServedBy, unwrapServed } from "../../domain/recommendations/served.ts";
import type { ComponentCall } from "../../execution/author/endpoint-scope.ts";
import type { ComponentFunction, MethodRegistry } from "../../execution/author/method.ts";
import { writeJson } from "../../payloads/json-text.ts";
import type { Lifetime } from "../../platform/lifetime.ts";
import type { EndpointRequest } from "../endpoints/endpoint-call.ts";
import type { HttpEnv } from "../http-env.ts";
import { traceOf } from "../middleware/trace.ts";
import { logFailure } from "../problem.ts";
import { AbortOnDemand } from "./abort-on-demand.ts";

/** Calls a component with the context that the task helpers need. */
export type CallComponent = (
  method: ComponentFunction,
  params: Params,
  call: ComponentCall & { readonly env: Env; readonly lifetime: Lifetime; readonly url: string },
) => unknown;

/** A computed result. */
export interface Computed {
  /** The value as JSON text. */
  readonly json: string;
  /** The computation of a value that was stored with `servedBy`; else null. */
  readonly run: ServedBy | null;
}

/** A method to be called: a component, or the fallback under the name `fallback`. */
export interface Callee {
  readonly name: string;
  /** Key in the registry. */
  readonly method: string;
  readonly timeoutMs: number;
}

/** The error of a method that took too long. */
export class TooLateError extends Error {
  override readonly name = "TimeoutError";

  constructor(timeoutMs: number) {
    super(`it has not answered within ${timeoutMs} ms`);
  }
}

/**
 * Calls the method. Rejects with `TooLateError`, the method's error, or for a value beyond JSON.
 */
export type Compute = (
  c: Context<HttpEnv>,
  request: EndpointRequest,
  callee: Callee,
  params: Params,
) => Promise<Computed>;

/** Creates the function that calls the components of this registry. */
export function createCompute(registry: MethodRegistry, callComponent: CallComponent): Compute {
  return async function compute(c, request, callee, params) {
    const method = registry.components?.[callee.method];
    if (method === undefined) throw new Error(`the registry has no component "${callee.method}"`);
    const { endpoint } = request;
    const abort = new AbortOnDemand();
    let close = (): void => undefined;
    const called = async (): Promise<unknown> =>
      callComponent(method, params, {
        name: endpoint.name,
        component: callee.name,
        get signal() {
          return abort.signal;
        },
        whenLate: (work) => {
          close = work;
        },
        params: request.params,
        source: request.source,
        delivery: null,
        requestId: c.get("requestId"),
        ...(request.actor !== undefined && { actor: request.actor }),
        ...traceOf(c),
        env: c.env,
        lifetime: c.executionCtx,
        url: request.limited.request.url,
        triggered: () => undefined,
      });
    const result = called();
    const { promise: overdue, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const error = new TooLateError(callee.timeoutMs);
      reject(error);
      close();
      abort.abort(error);
      c.executionCtx.waitUntil(noteLateFailure(c, endpoint, callee, result));
    }, callee.timeoutMs);
    try {
      return computedOf(await Promise.race([result, overdue]));
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Logs the error of a late method, unless the error is the reason of the abort. */
async function noteLateFailure(
  c: Context<HttpEnv>,
  { name }: EndpointPlan,
  callee: Callee,
  result: Promise<unknown>,
): Promise<void> {
  try {
    await result;
  } catch (error) {
    if (error instanceof TooLateError) return;
    logFailure(c, `endpoint "${name}": ${callee.name} failed after its timeout`, error);
  }
}

/** Unwraps and writes the value. Throws for a value that JSON cannot hold. */
function computedOf(result: unknown): Computed {
  const { value, origin } = unwrapServed(result);
  if (value === undefined)
    throw new TypeError("it returned nothing: a component returns a JSON value");
  if (value instanceof Response)
    throw new TypeError("it returned a Response: a component returns a JSON value");
  const written = writeJson(value);
  if (written.ok) return { json: written.pieces.join(""), run: origin };
  const [first] = written.errors;
  throw new TypeError(`it returned no JSON value: ${first?.path ?? ""} ${first?.message ?? ""}`);
}
