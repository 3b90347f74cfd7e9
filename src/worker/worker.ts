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
import "./hide-own-env.ts";
import * as dashboard from "#generated/dashboard";
import { local } from "#local-runtime";
import { callDeliveries } from "../objects/deliveries/deliveries-client.ts";
import { takeTurn } from "../objects/deliveries/caller-client.ts";
import { countServing } from "../objects/deliveries/recommendation-client.ts";
import { callSignedDeliveries } from "../objects/deliveries/signed-client.ts";
import { createApp } from "../http/app.ts";
import { callRun } from "../objects/run/run-client.ts";
import { createAnnouncement, syncSchedules } from "../objects/schedules/schedules-client.ts";
import { deploy } from "./deployed.ts";
import type { Project } from "./deployment.ts";
import { ownEnv } from "./own-env.ts";
import type { Lifetime } from "../platform/lifetime.ts";
import { consumeDeadLetters } from "../triggers/dead-letter.ts";
import { consumeR2Events } from "../triggers/r2-events.ts";
import { consumeRunMessages } from "../triggers/run-consumer.ts";

/** Types of the generated file of a project. */
export type { Plan } from "../domain/plan/plan.ts";
export type { MethodRegistry, TypedTask } from "../execution/author/method.ts";
export type { Project } from "./deployment.ts";

export { AlertEntrypoint } from "./alert-entrypoint.ts";
export * from "./deployed-objects.ts";
export { DriverEntrypoint } from "./driver-entrypoint.ts";

/** The handlers of the worker. */
export interface Handlers {
  fetch(request: Request, env: Cloudflare.Env, ctx: ExecutionContext): Response | Promise<Response>;
  scheduled(
    controller: ScheduledController,
    env: Cloudflare.Env,
    ctx: ExecutionContext,
  ): Promise<void>;
  queue(batch: MessageBatch, env: Cloudflare.Env, ctx: ExecutionContext): Promise<void>;
}

/**
 * Makes the worker of a compiled project, the default export of src/index.ts. The exported classes
 * serve the same project. Called once, after the pipelines are evaluated. A second call throws.
 */
export function createPeach(project: Project): Handlers {
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
    callComponent: (...given) => deployment.callComponent(...given),
    countServing,
    dashboard,
    local,
  });
  const announceSchedules = createAnnouncement(plan);
  return {
    /** Serves endpoints, API and dashboard. */
    fetch(request, given, ctx) {
      const env = ownEnv(given, ctx.exports);
      announceSchedules(env, ctx);
      return app.fetch(request, env, ctx);
    },

    /** Watchdog of the schedules; due runs come from the schedules' own alarm. */
    async scheduled(_controller, env, ctx) {
      await syncSchedules(ownEnv(env, ctx.exports), plan);
    },

    /** Takes messages of the three queues: runs, objects in R2, and dead letters. */
    async queue(batch, given, ctx) {
      const env = ownEnv(given, ctx.exports);
      // Queues are recognized by the end of their name: a deployment may add a prefix.
      if (batch.queue.endsWith("dead-letters")) await consumeDeadLetters(plan, batch, env);
      else if (batch.queue.endsWith("r2-events"))
        await consumeR2Events({ plan, acceptTrigger }, batch, env, consumerOf(ctx));
      else
        await consumeRunMessages(
          plan,
          (runId, sentAt) => env.PEACH_DRIVERS.drive(runId, sentAt),
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
