/**
 * `peach/worker`: the worker of a project, as its src/index.ts deploys it. The handlers are made by
 * `createPeach`; the runtime looks the classes up by name.
 *
 * @example
 *   import { createPeach } from "peach/worker";
 *   import { methods, plan } from "./generated/project.ts";
 *
 *   export * from "peach/worker";
 *   export default createPeach({ plan, methods });
 */
import { showOwnEnv } from "./hide-own-env.ts";
import * as dashboard from "#generated/dashboard";
import { local } from "#local-runtime";
import { AuditObject } from "../objects/audit/audit-object.ts";
import { CatalogObject } from "../objects/catalog/catalog-object.ts";
import { TaskDirectoryObject } from "../objects/catalog/task-directory-object.ts";
import { DeathsObject } from "../objects/deaths/deaths-object.ts";
import { DeadLettersObject } from "../objects/dead-letters/dead-letters-object.ts";
import { PausesObject } from "../objects/pauses/pauses-object.ts";
import { callDeliveries } from "../objects/deliveries/deliveries-client.ts";
import { takeTurn } from "../objects/deliveries/caller-client.ts";
import { callSignedDeliveries } from "../objects/deliveries/signed-client.ts";
import { DeliveriesObject } from "../objects/deliveries/deliveries-object.ts";
import { createApp } from "../http/app.ts";
import { IdentityObject } from "../objects/identity/identity-object.ts";
import { DebounceObject } from "../objects/debounce/debounce-object.ts";
import { LimitListObject } from "../objects/limits/limit-list-object.ts";
import { callRun } from "../objects/run/run-client.ts";
import { RunObject } from "../objects/run/run-object.ts";
import { createAnnouncement, syncSchedules } from "../objects/schedules/schedules-client.ts";
import { ExecutorObject, LimitObject, SchedulesObject } from "./deployed-objects.ts";
import { deploy } from "./deployed.ts";
import type { Project } from "./deployment.ts";
import { AlertEntrypoint } from "./alert-entrypoint.ts";
import { DriverEntrypoint } from "./driver-entrypoint.ts";
import type { Lifetime } from "../platform/lifetime.ts";
import { consumeDeadLetters } from "../triggers/dead-letter.ts";
import { consumeR2Events } from "../triggers/r2-events.ts";
import { consumeRunMessages } from "../triggers/run-consumer.ts";
import { ObjectVersionsObject } from "../objects/object-versions/object-versions-object.ts";

export type { Plan } from "../domain/plan/plan.ts";
export type { MethodRegistry, TypedTask } from "../execution/author/method.ts";
export type { Project } from "./deployment.ts";

export {
  AlertEntrypoint,
  AuditObject,
  CatalogObject,
  PausesObject,
  DeadLettersObject,
  DeathsObject,
  DebounceObject,
  DeliveriesObject,
  TaskDirectoryObject,
  DriverEntrypoint,
  ExecutorObject,
  IdentityObject,
  LimitListObject,
  LimitObject,
  RunObject,
  SchedulesObject,
  ObjectVersionsObject,
};

/** The handlers of the worker. */
export interface Handlers {
  fetch(request: Request, env: Env, ctx: ExecutionContext): Response | Promise<Response>;
  scheduled(controller: ScheduledController, env: Env): Promise<void>;
  queue(batch: MessageBatch, env: Env, ctx: ExecutionContext): Promise<void>;
}

/**
 * Makes the worker of a compiled project, the default export of src/index.ts. The exported classes
 * serve the same project. Called once, after the pipelines are evaluated.
 */
export function createPeach(project: Project): Handlers {
  showOwnEnv();
  const deployment = deploy(project);
  const { plan, registry, acceptTrigger, emitEvent } = deployment;
  const app = createApp({
    plan,
    registry,
    acceptTrigger,
    emitEvent,
    callRun,
    callDeliveries,
    callSignedDeliveries,
    takeTurn,
    callEndpoint: (...given) => deployment.callEndpoint(...given),
    dashboard,
    local,
  });
  const announceSchedules = createAnnouncement(plan);
  return {
    fetch(request, env, ctx) {
      announceSchedules(env, ctx);
      return app.fetch(request, env, ctx);
    },

    /** Watchdog of the schedules; due runs come from the schedules' own alarm. */
    async scheduled(_controller, env) {
      await syncSchedules(env, plan);
    },

    async queue(batch, env, ctx) {
      // Queues are recognized by the end of their name: a deployment may add a prefix.
      if (batch.queue.endsWith("dead-letters")) await consumeDeadLetters(plan, batch, env);
      else if (batch.queue.endsWith("r2-events"))
        await consumeR2Events({ plan, acceptTrigger }, batch, env, consumerOf(ctx));
      else
        await consumeRunMessages(
          plan,
          (runId, sentAt) => ctx.exports.DriverEntrypoint.drive(runId, sentAt),
          batch,
          env,
        );
    },
  };
}

/**
 * A consumer's batch ends only after its `waitUntil`. Zero budget: a `dispatch: direct` task is not
 * driven here but by the queue.
 */
function consumerOf(ctx: ExecutionContext): Lifetime {
  return { waitUntil: (promise) => ctx.waitUntil(promise), budgetMs: () => 0 };
}
