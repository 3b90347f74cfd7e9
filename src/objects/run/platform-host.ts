/**
 * The `RunHost` of a run object: storage, clock, alarm, queue, bucket and other objects of the
 * platform.
 */
import { recordRun } from "../catalog/catalog-client.ts";
import { parseRunId, type RunId } from "../../domain/ids.ts";
import { deleteRunPayloads } from "../../payloads/payload-store.ts";
import type { SubscriberHub } from "./subscribers.ts";
import type { ParentState } from "./tombstone.ts";
import { queueWatch } from "./queue-client.ts";
import { callRun } from "./run-client.ts";
import { troubleOf } from "./trouble-note.ts";
import { log } from "../../platform/log.ts";

import { afterDelay } from "../../platform/patience.ts";
import type { RunHost } from "./run-host.ts";

/** Creates the host. `perform` performs the effects of the run. */
export function platformHost(
  ctx: DurableObjectState,
  env: Env,
  hub: SubscriberHub,
  perform: RunHost["perform"],
): RunHost {
  return {
    now: () => Date.now(),
    // Not awaited: the output gate holds answers back until the alarm is durable.
    setAlarm: (at) => ctx.waitUntil(ctx.storage.setAlarm(at)),
    getAlarm: () => ctx.storage.getAlarm(),
    queueProgress: () => queueWatch.progress(Date.now()),
    askQueue: () =>
      queueWatch.ask(
        () => env.RUN_QUEUE.metrics(),
        () => Date.now(),
      ),
    messageReceived: (sentAt) => queueWatch.received(sentAt, Date.now()),
    hasSubscribers: () => hub.hasSubscribers,
    attemptUpdated: (run, update) => hub.attemptUpdated(run, update),
    changed: (run, change, position) => hub.changed(run, change, position),
    perform,
    deletePayloads: async (runId, kept) =>
      void (await deleteRunPayloads(env.PAYLOADS, runId, undefined, kept)),
    deleteAbandoned: async (triggers, attempts) => {
      const runId = parseRunId(ctx.id.name ?? "");
      return (
        runId !== null && (await deleteRunPayloads(env.PAYLOADS, runId, { triggers, attempts }))
      );
    },
    parentStates: (parents) => Promise.all(parents.map((parent) => parentState(env, parent))),
    tellParent: async (parent, child) =>
      void (await callRun(env, parent, (run) => run.knowChild(child))),
    parentNotTold: (error, isLast) => {
      const message = `the parent run was not told of its child, ${isLast ? "and will not be" : "the alarm will"}`;
      log("warn", message, { run_id: ctx.id.name, error });
    },
    reportToCatalog: (summary, keep) => recordRun(env, summary, keep),
    after: afterDelay,
    reportFailed: (error) => {
      log("warn", "catalog not told, the alarm will", { run_id: ctx.id.name, error });
    },
    notShortened: (error) => {
      log("error", "the journal of a run stays long", { run_id: ctx.id.name, error });
    },
    waitUntil: (work) => ctx.waitUntil(work),
    trouble: troubleOf(ctx, env),
    alarmFailed: (strikes, error) => {
      log("error", "the alarm of a run failed", { run_id: ctx.id.name, strikes, error });
    },
  };
}

async function parentState(env: Env, parent: RunId): Promise<ParentState> {
  const document = await callRun(env, parent, (run) => run.describe());
  if (document === null) return { type: "gone" };
  const { finished_at } = document;
  return finished_at === null
    ? { type: "open" }
    : { type: "final", finishedAt: Date.parse(finished_at) };
}
