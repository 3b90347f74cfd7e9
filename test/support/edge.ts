/** The HTTP edge over a plan of the test, with the real run objects behind it. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "./env.ts";
import type { Plan } from "../../src/domain/plan/plan.ts";
import { callDeliveries } from "../../src/objects/deliveries/deliveries-client.ts";
import { takeTurn } from "../../src/objects/deliveries/caller-client.ts";
import { callSignedDeliveries } from "../../src/objects/deliveries/signed-client.ts";
import { createApp } from "../../src/http/app.ts";
import type { AppDependencies } from "../../src/http/dependencies.ts";
import { callRun } from "../../src/objects/run/run-client.ts";
import { runInScope } from "../../src/execution/author/context.ts";
import { ComponentScope, EndpointScope } from "../../src/execution/author/endpoint-scope.ts";
import type { MethodRegistry } from "../../src/execution/author/method.ts";
import type { AcceptTrigger } from "../../src/triggers/accept.ts";
import { createAcceptTrigger } from "../../src/triggers/trigger-acceptor.ts";
import { createEmitEvent } from "../../src/triggers/emit.ts";
import { holdAgainstSchema, operationOf } from "./answer-schemas.ts";
import { OPEN_GATE } from "./open-gate.ts";

export const ADMIN_TOKEN = "a-token-for-tests-of-the-edge";

export interface EdgeOptions {
  readonly registry?: Partial<MethodRegistry>;
  readonly dependencies?: Partial<AppDependencies>;
  /** Sends what a browser would: no `Authorization` unless the request brings one. */
  readonly withoutToken?: boolean;
  /** Secrets and variables over those of wrangler.toml, also such as only peach.conf names. */
  readonly env?: Partial<Env> & Readonly<Record<string, unknown>>;
}

/** Sends a request to the edge and holds what the API answers against its schemas; with the admin token unless it brings another `Authorization`. */
export type Send = (path: string, init?: RequestInit) => Promise<Response>;

export function edge(plan: Plan, options: EdgeOptions = {}): Send {
  const { app, bindings } = edgeApp(plan, options);
  return async (path, init = {}) => {
    const headers = new Headers(init.headers);
    if (!headers.has("Authorization") && options.withoutToken !== true)
      headers.set("Authorization", `Bearer ${ADMIN_TOKEN}`);
    const response = await app.request(path, { ...init, headers }, bindings, createExecutionContext());
    const operation = operationOf(init.method ?? "GET", path);
    if (operation !== null) await holdAgainstSchema(operation, response);
    return response;
  };
}

/** The edge itself, and what it is bound to. */
export function edgeApp(plan: Plan, options: EdgeOptions = {}): { app: ReturnType<typeof createApp>; bindings: Env } {
  const registry: MethodRegistry = { tasks: {}, endpoints: {}, ...options.registry };
  const acceptTrigger = acceptorOf(plan, registry);
  const emitEvent = createEmitEvent({ plan, registry, acceptTrigger });
  const app = createApp({
    plan,
    registry,
    acceptTrigger,
    emitEvent,
    callRun,
    callDeliveries,
    callSignedDeliveries,
    takeTurn,
    dashboard: { document: "<!doctype html><title>Peach</title>", assets: {} },
    callEndpoint(method, request, call) {
      const scope = new EndpointScope(call, {
        env: call.env,
        lifetime: call.lifetime,
        accept: acceptTrigger,
        emit: emitEvent,
        plan,
      });
      return runInScope(scope, () => scope.call(method, request));
    },
    callComponent(method, params, call) {
      const scope = new ComponentScope(call, {
        env: call.env,
        lifetime: call.lifetime,
        accept: acceptTrigger,
        emit: emitEvent,
        plan,
      });
      return runInScope(scope, () => scope.compute(method, params));
    },
    countServing: () => undefined,
    local: null,
    ...options.dependencies,
  });
  const bindings = { ...env, PEACH_API_TOKEN: ADMIN_TOKEN, ...options.env };
  return { app, bindings };
}

/** The way in for a plan; nothing is driven by it. */
export function acceptorOf(plan: Plan, registry: MethodRegistry = { tasks: {}, endpoints: {} }): AcceptTrigger {
  return createAcceptTrigger({
    plan,
    registry,
    callRun,
    gate: OPEN_GATE,
    directClaim: { holding: 0, budgetMs: 0 },
    driveGrant: async () => undefined,
  });
}
