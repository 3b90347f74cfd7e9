/**
 * The running task or endpoint. Helpers find their scope through AsyncLocalStorage, however deep
 * and however asynchronous the call is. An attempt has one scope, a request has one; nothing else
 * is global.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { EndpointScope } from "./endpoint-scope.ts";
import { OutsideTaskError } from "./errors.ts";
import type { TaskScope } from "./task-scope.ts";
import { traceFetch } from "./traced-fetch.ts";

const scopes = new AsyncLocalStorage<TaskScope | EndpointScope>();

/** Calls `fn` with `scope` as the scope of helpers. */
export function runInScope<T>(scope: TaskScope | EndpointScope, fn: () => T): T {
  if (scope.traceparent !== null) traceFetch(currentTraceparent);
  return scopes.run(scope, fn);
}

function currentTraceparent(): string | null {
  return scopes.getStore()?.traceparent ?? null;
}

/** Returns the task or endpoint that calls `helper`. Throws `OutsideTaskError` outside of both. */
export function scopeOf(helper: string): TaskScope | EndpointScope {
  const scope = scopes.getStore();
  if (scope !== undefined) return scope;
  throw new OutsideTaskError(
    `${helper} was called outside a task or endpoint. Call it in a method that peach.conf names, or in what that method calls; from elsewhere, use the HTTP API.`,
  );
}

/**
 * Returns the task that calls `helper`. Throws `OutsideTaskError` elsewhere, also in an endpoint.
 */
export function taskScopeOf(helper: string): TaskScope {
  const scope = scopeOf(helper);
  if (scope.kind === "task") return scope;
  throw new OutsideTaskError(
    `${helper} was called in the endpoint "${scope.name}". It belongs inside a task: an endpoint has no upstream or downstream tasks.`,
  );
}
