/** The typed exports of the worker's bundle (see platform/bundle.ts). */
import type { Actor } from "../../domain/actor.ts";
import type { DeliveryRun } from "../../domain/delivery.ts";
import type { RunId } from "../../domain/ids.ts";
import type { Plan } from "../../domain/plan/plan.ts";
import type { Result } from "../../domain/problem.ts";
import type { TriggerKey } from "../../domain/trigger-key.ts";
import type { TriggerOrigin } from "../../domain/trigger.ts";
import type { RunRpc } from "../../objects/run/run-rpc.ts";
import type { PausesRpc } from "../../objects/pauses/pauses-rpc.ts";
import type { SchedulesRpc } from "../../objects/schedules/schedules-rpc.ts";
import type { Life } from "./life.ts";

/** A payload in the worker's encoding. */
export interface Encoded {
  readonly kind: string;
  readonly size: number | null;
}

interface Trigger {
  readonly task: string;
  readonly payload: Encoded;
  readonly idempotencyKey: TriggerKey | null;
  readonly origin: TriggerOrigin;
  readonly delayMs?: number;
}

/** The entry points of a deployment, as the HTTP side uses the deployment. */
export interface Dependencies {
  readonly plan: Plan;
  readonly registry: object;
  readonly acceptTrigger: (
    env: object,
    ctx: object,
    trigger: Trigger,
  ) => Promise<Result<DeliveryRun>>;
  readonly emitEvent: (
    env: object,
    ctx: object,
    event: {
      readonly name: string;
      readonly payload: Encoded;
      readonly idempotencyKey: TriggerKey | null;
      readonly parent: null;
    },
  ) => Promise<Result<readonly DeliveryRun[]>>;
}

/** The functions and handlers of the worker that a simulation calls. */
export interface WorkerFace {
  readonly handlers: {
    fetch<T>(
      request: (dependencies: Dependencies, env: object) => Promise<T>,
      env: object,
      ctx: object,
    ): Promise<T>;
    queue(batch: object, env: object, ctx: object): Promise<void>;
    scheduled(controller: object, env: object, ctx: object): Promise<void>;
  };
  readonly callRun: <T>(env: object, runId: RunId, call: (run: RunRpc) => Promise<T>) => Promise<T>;
  readonly callPauses: <T>(env: object, call: (pauses: PausesRpc) => Promise<T>) => Promise<T>;
  readonly apiKey: (caller: string, key: string) => TriggerKey;
  readonly apiEventKey: (caller: string, event: string, key: string) => TriggerKey;
  readonly callSchedules: <T>(
    env: object,
    call: (schedules: SchedulesRpc) => Promise<T>,
  ) => Promise<T>;
  readonly encodePayload: (value: unknown) => Result<Encoded>;
  readonly decodePayload: (payload: object, bytes: Uint8Array) => unknown;
  readonly createReplayRun: (dependencies: object) => (
    env: object,
    ctx: object,
    request: {
      readonly runId: RunId;
      readonly from: string | null;
      readonly payload: Encoded | null;
      readonly idempotencyKey: string | null;
      readonly actor: Actor;
      readonly url: string;
    },
  ) => Promise<Result<DeliveryRun | null>>;
  readonly parseCompletionToken: (text: string) => object | null;
  readonly completeByToken: (
    dependencies: object,
    env: object,
    presented: object,
    body: {
      readonly contentType: string;
      readonly contentLength: number | null;
      readonly body: Uint8Array;
    },
  ) => Promise<Result<{ readonly status: string }>>;
}

/** The surroundings of a request for its handler. */
export interface Client {
  readonly worker: WorkerFace;
  readonly dependencies: Dependencies;
  readonly env: object;
  readonly ctx: object;
  readonly life: Life;
}

/** The only cast of the bundle's exports. The bundle's entry names the exports. */
export function workerOf(exports: Readonly<Record<string, unknown>>): WorkerFace {
  const worker: unknown = exports;
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return worker as WorkerFace;
}
