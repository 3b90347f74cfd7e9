/**
 * The schedules of the deployment: the one object that wakes at the next due time of all of them.
 * Gives storage, clock, alarm and runs to the decisions in `schedules-controller.ts`.
 */
import { DurableObject } from "cloudflare:workers";
import { dueTimes } from "../../domain/schedules/cron.ts";
import type { RunId } from "../../domain/ids.ts";
import { ok, type Result } from "../../domain/problem.ts";
import type { ScheduleDefinition } from "../../domain/schedules/due-times.ts";
import { scheduledRunKey } from "../../domain/trigger-key.ts";
import { encodePayload } from "../../payloads/codec.ts";
import { callRun } from "../run/run-client.ts";
import { acceptTrigger, plan } from "../../worker/wiring.ts";
import { deploymentHere } from "./schedules-client.ts";
import { SchedulesProtocol } from "./schedules-controller.ts";
import type { Announcement, ScheduleStatus, SchedulesRpc } from "./schedules-rpc.ts";
import { ScheduleStore } from "./store.ts";
import { log } from "../../platform/log.ts";

export class SchedulesObject extends DurableObject<Env> implements SchedulesRpc {
  readonly #protocol: SchedulesProtocol;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#protocol = new SchedulesProtocol(new ScheduleStore(ctx.storage), {
      now: () => Date.now(),
      getAlarm: () => ctx.storage.getAlarm(),
      setAlarm: (at) => ctx.storage.setAlarm(at),
      deployment: deploymentHere(env, plan),
      timesOf: ({ cron, timezone }) => dueTimes(cron, timezone),
      start: (definition, dueAt) => this.#start(definition, dueAt),
      isRunning: async (runId) => {
        const document = await callRun(env, runId, (run) => run.describe());
        return document !== null && document.finished_at === null;
      },
      cancel: async (runId, dueAt) => {
        const call = `due ${dueAt}`;
        await callRun(env, runId, (run) => run.cancel({ children: false, call }));
      },
      after: (milliseconds, work) => {
        const timer = setTimeout(work, milliseconds);
        return () => clearTimeout(timer);
      },
      log: (message, fields) => log("warn", message, fields),
    });
  }

  async sync(announced: Announcement): Promise<void> {
    await this.#protocol.sync(announced);
  }

  async list(): Promise<readonly ScheduleStatus[]> {
    return this.#protocol.list();
  }

  async pause(task: string, by: string): Promise<readonly ScheduleStatus[]> {
    return this.#protocol.pause(task, by);
  }

  async resume(task: string): Promise<readonly ScheduleStatus[]> {
    return this.#protocol.resume(task);
  }

  override async alarm(info?: AlarmInvocationInfo): Promise<void> {
    await this.#protocol.alarm(info?.scheduledTime ?? null);
  }

  async #start(
    { task, cron, timezone, payload }: ScheduleDefinition,
    dueAt: number,
  ): Promise<Result<RunId>> {
    const dueAtIso = new Date(dueAt).toISOString();
    const encoded = encodePayload(
      payload === null ? { due_at: dueAtIso, cron, timezone } : JSON.parse(payload),
    );
    if (!encoded.ok) return encoded;
    const accepted = await acceptTrigger(
      this.env,
      // This object has no time to drive a `dispatch: direct` task; the queue drives the task.
      { waitUntil: (promise) => this.ctx.waitUntil(promise), budgetMs: () => 0 },
      {
        task,
        payload: encoded.value,
        idempotencyKey: scheduledRunKey(dueAtIso, payload),
        origin: { source: "schedule", by: cron, parent: null },
      },
    );
    return accepted.ok ? ok(accepted.value.runId) : accepted;
  }
}
