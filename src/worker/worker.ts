/** Wiring of the worker: its handlers, and the classes that the runtime looks up by name. */
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
import { acceptTrigger, callEndpoint, emitEvent, plan, registry } from "./wiring.ts";
import { AlertEntrypoint } from "./alert-entrypoint.ts";
import { DriverEntrypoint } from "./driver-entrypoint.ts";
import type { Lifetime } from "../platform/lifetime.ts";
import { consumeDeadLetters } from "../triggers/dead-letter.ts";
import { consumeR2Events } from "../triggers/r2-events.ts";
import { consumeRunMessages } from "../triggers/run-consumer.ts";
import { ObjectVersionsObject } from "../objects/object-versions/object-versions-object.ts";

const app = createApp({
  plan,
  registry,
  acceptTrigger,
  emitEvent,
  callRun,
  callDeliveries,
  callSignedDeliveries,
  takeTurn,
  callEndpoint,
  dashboard,
  local,
});

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

const announceSchedules = createAnnouncement(plan);

/**
 * A consumer's batch ends only after its `waitUntil`. Zero budget: a `dispatch: direct` task is not
 * driven here but by the queue.
 */
function consumerOf(ctx: ExecutionContext): Lifetime {
  return { waitUntil: (promise) => ctx.waitUntil(promise), budgetMs: () => 0 };
}

export default {
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
} satisfies ExportedHandler<Env>;
