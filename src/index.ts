/** Wiring only: the worker's handlers and the classes that the runtime looks for. */
import * as dashboard from "#generated/dashboard";
import { local } from "#local-runtime";
import { AuditObject } from "./audit/audit-object.ts";
import { CatalogObject } from "./catalog/catalog-object.ts";
import { DirectoryObject } from "./catalog/directory-object.ts";
import { DeathsObject } from "./deaths/deaths-object.ts";
import { DeadLettersObject } from "./dead-letters/dead-letters-object.ts";
import { ControlsObject } from "./controls/controls-object.ts";
import { callDeliveries } from "./deliveries/deliveries-client.ts";
import { takeTurn } from "./deliveries/caller-client.ts";
import { callSignedDeliveries } from "./deliveries/signed-client.ts";
import { DeliveriesObject } from "./deliveries/deliveries-object.ts";
import { createApp } from "./http/app.ts";
import { IdentityObject } from "./identity/identity-object.ts";
import { DebounceObject } from "./limits/debounce-object.ts";
import { LimitListObject } from "./limits/limit-list-object.ts";
import { LimitObject } from "./limits/limit-object.ts";
import { callRun } from "./run/run-client.ts";
import { RunObject } from "./run/run-object.ts";
import { createAnnouncement, syncSchedules } from "./schedules/schedules-client.ts";
import { SchedulesObject } from "./schedules/schedules-object.ts";
import { acceptTrigger, callEndpoint, emitEvent, plan, registry } from "./task/deployment.ts";
import { AlertEntrypoint } from "./task/alert-entrypoint.ts";
import { DriverEntrypoint } from "./task/driver-entrypoint.ts";
import { ExecutorObject } from "./task/executor-object.ts";
import type { Lifetime } from "./trigger/accept.ts";
import { consumeDeadLetters } from "./trigger/dead-letter.ts";
import { consumeR2Events } from "./trigger/r2-events.ts";
import { consumeRunMessages } from "./trigger/run-consumer.ts";
import { VersionsObject } from "./versions/versions-object.ts";

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
  ControlsObject,
  DeadLettersObject,
  DeathsObject,
  DebounceObject,
  DeliveriesObject,
  DirectoryObject,
  DriverEntrypoint,
  ExecutorObject,
  IdentityObject,
  LimitListObject,
  LimitObject,
  RunObject,
  SchedulesObject,
  VersionsObject,
};

const announceSchedules = createAnnouncement(plan);

/** A consumer's batch ends only after its `waitUntil`: it has no time to drive a `dispatch: direct` task, the queue does it. */
function consumerOf(ctx: ExecutionContext): Lifetime {
  return { waitUntil: (promise) => ctx.waitUntil(promise), budgetMs: () => 0 };
}

export default {
  fetch(request, env, ctx) {
    announceSchedules(env, ctx);
    return app.fetch(request, env, ctx);
  },

  /** The watchdog of the schedules; what is due comes from their own alarm. */
  async scheduled(_controller, env) {
    await syncSchedules(env, plan);
  },

  async queue(batch, env, ctx) {
    // Told by how the name ends: a deployment may put its own prefix in front.
    if (batch.queue.endsWith("dead-letters")) await consumeDeadLetters(plan, batch, env);
    else if (batch.queue.endsWith("r2-events"))
      await consumeR2Events({ plan, acceptTrigger }, batch, env, consumerOf(ctx));
    else
      await consumeRunMessages(plan, (runId, sentAt) => ctx.exports.DriverEntrypoint.drive(runId, sentAt), batch, env);
  },
} satisfies ExportedHandler<Env>;
