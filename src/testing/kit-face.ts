/**
 * The exports of the engine's bundle for the test kit (see platform/bundle.ts), with their types.
 */
import type { apiEventKey, apiKey } from "../domain/trigger-key.ts";
import type { Deadlines } from "../execution/attempt/deadlines.ts";
import type { executeAttempt } from "../execution/attempt/run-attempt.ts";
import type { completeTask } from "../execution/external/complete.ts";
import type { AppDependencies } from "../http/dependencies.ts";
import type { callRun } from "../objects/run/run-client.ts";
import type { decodePayload, encodePayload } from "../payloads/codec.ts";
import type { createReplayRun } from "../triggers/replay.ts";
import type { Life } from "./platform/life.ts";

/** The engine's functions. */
export interface KitFace {
  readonly apiKey: typeof apiKey;
  readonly apiEventKey: typeof apiEventKey;
  readonly callRun: typeof callRun;
  readonly completeTask: typeof completeTask;
  readonly createReplayRun: typeof createReplayRun;
  readonly decodePayload: typeof decodePayload;
  readonly encodePayload: typeof encodePayload;
  readonly executeAttempt: typeof executeAttempt;
  readonly Deadlines: typeof Deadlines;
}

/** A request to the worker, as its handler sees it. */
export interface KitClient {
  readonly face: KitFace;
  readonly dependencies: AppDependencies;
  readonly env: Env;
  readonly ctx: ExecutionContext;
  readonly life: Life;
}

/** The only cast of the bundle's exports. The bundle's entry names the exports. */
export function faceOf(exports: Readonly<Record<string, unknown>>): KitFace {
  const face: unknown = exports;
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return face as KitFace;
}

/** The only cast of the surroundings that the simulated platform gives a request. */
export function clientOf(given: {
  readonly worker: unknown;
  readonly dependencies: unknown;
  readonly env: object;
  readonly ctx: object;
  readonly life: Life;
}): KitClient {
  const { dependencies, env, ctx, life } = given;
  const client: unknown = { face: faceOf(life.isolate.exports), dependencies, env, ctx, life };
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return client as KitClient;
}

/** The handlers of the worker, as the platform calls them. */
interface Handlers {
  fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response>;
}

/** The only cast of the bundle's handlers. */
export function handlersOf(exports: Readonly<Record<string, unknown>>): Handlers {
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return exports["handlers"] as Handlers;
}
