/**
 * Performs the effects of a run: calls to other objects and the queue, and the acknowledgements.
 */
import type { LimitGateEffect, LimitGateEvent } from "../../domain/run/limit-gate.ts";
import { type RunId } from "../../domain/ids.ts";
import type { LimitName } from "../../domain/limits/limit.ts";
import type { Run } from "../../domain/run/state.ts";
import type { OutboxEntry } from "../../domain/run/outbox-entry.ts";
import type { Effect } from "../../domain/run/machine-events.ts";
import { callPauses } from "../pauses/pauses-client.ts";
import { noteDrivers } from "../deaths/deaths-client.ts";
import { callLimit } from "../limits/limit-client.ts";
import type { LimitRpc } from "../limits/limit-rpc.ts";
import { within } from "../../platform/calls.ts";
import { describeAlert } from "./failure-alert.ts";
import {
  cancelRuns,
  dispatchRun,
  deliverEntry,
  startExecutor,
  tellRuns,
  watchRuns,
} from "./effects.ts";
import { noticeOf } from "./final-notice.ts";
import { recordParked } from "./parked-entries.ts";
import type { RunController } from "./run-controller.ts";
import { performHoldEffect } from "./limit-effects.ts";
import { log } from "../../platform/log.ts";

/** Time limit for an alert: a trigger with all its retries. Milliseconds. */
const ALERT_LIMIT_MS = 60_000;

/** Children cancelled with one acknowledgement. */
const CHILDREN_AT_ONCE = 50;

export class EffectPerformer {
  readonly #ctx: DurableObjectState;
  readonly #env: Env;
  readonly #controller: () => RunController;
  readonly #waiters: ReadonlySet<() => void>;

  /** `waiters` are called once the run is final. */
  constructor(
    ctx: DurableObjectState,
    env: Env,
    controller: () => RunController,
    waiters: ReadonlySet<() => void>,
  ) {
    this.#ctx = ctx;
    this.#env = env;
    this.#controller = controller;
    this.#waiters = waiters;
  }

  /** Performs an effect in the background. */
  perform(run: Run, effect: Effect): void {
    const work = this.#begin(run, effect);
    if (work !== null) this.#ctx.waitUntil(work);
  }

  #begin(run: Run, effect: Effect): Promise<void> | null {
    switch (effect.type) {
      case "dispatch":
        return dispatchRun(this.#env, run.id, effect.drivers);
      case "start_executor":
        return startExecutor(this.#env, run.id, effect);
      case "note_death":
        return noteDrivers(this.#env, run.id, effect);
      case "finished":
        for (const resolve of this.#waiters) resolve();
        return null;
      case "subscribe":
        return this.#watch(run.id, effect.runIds);
      case "notify":
        return this.#tell(run, effect);
      case "deliver":
        return this.#deliver(run, effect.entry);
      case "park":
        return this.#park(run, effect.entry);
      case "unnotified":
        log("error", "runs were not told that another one is final", { run_id: run.id, ...effect });
        return null;
      case "acquire_slot":
      case "release_slot":
      case "consume_permit":
      case "await_resume":
        return this.#performHold(run, effect);
    }
  }

  async #watch(runId: RunId, awaited: readonly RunId[]): Promise<void> {
    for await (const finals of watchRuns(this.#env, runId, awaited))
      this.#controller().awaited(finals);
  }

  async #deliver(run: Run, { id, message }: OutboxEntry): Promise<void> {
    await deliverEntry(run.id, message.type, async () => {
      if (message.type === "alert") {
        const raised = this.#env.PEACH_ALERTS.raise(describeAlert(run, id, message));
        await within(ALERT_LIMIT_MS, "the entrypoint of alerts", raised);
        this.#controller().paid(id, null);
      } else {
        const children = run.children.slice(
          message.next,
          Math.min(message.until, message.next + CHILDREN_AT_ONCE),
        );
        await cancelRuns(this.#env, children, { call: `${run.id}/${id}`, by: run.id });
        this.#controller().paid(id, message.next + children.length);
      }
    });
  }

  async #park(run: Run, owed: OutboxEntry): Promise<void> {
    await deliverEntry(run.id, "to record a dead letter", async () => {
      await recordParked(this.#env, run, owed, Date.now());
      this.#controller().parked(owed.id);
    });
  }

  /** Notifies waiting runs. A run that was retried meanwhile notifies at its next end. */
  async #tell(
    run: Run,
    { runIds, revision }: Extract<Effect, { readonly type: "notify" }>,
  ): Promise<void> {
    if (run.finishedAt === null) return;
    for await (const told of tellRuns(this.#env, noticeOf(run), runIds))
      if (told.length > 0) this.#controller().told(told, revision);
  }

  async #performHold(run: Run, effect: LimitGateEffect): Promise<void> {
    const host = {
      now: () => Date.now(),
      awaitResume: (task: string) =>
        callPauses(this.#env, (pauses) => pauses.awaitResume(task, run.id)),
      call: <T>(limit: LimitName, call: (object: LimitRpc) => Promise<T>) =>
        callLimit(this.#env, limit, call),
      hold: (event: LimitGateEvent) => this.#controller().hold(event),
    };
    await performHoldEffect(host, effect).catch((error: unknown) => {
      log("warn", `${effect.type} failed`, { run_id: run.id, error });
    });
  }
}
