/**
 * The schedules of the deployment: the one object that wakes at the next due time of all of them.
 * Gives storage, clock, alarm and runs to the decisions in `schedules-controller.ts`.
 */
import { DurableObject } from "cloudflare:workers";
import { dueTimes } from "../../domain/schedules/cron.ts";
import type { RunId } from "../../domain/ids.ts";
import type { Result } from "../../domain/problem.ts";
import type { ScheduleDefinition } from "../../domain/schedules/due-times.ts";
import { callRun } from "../run/run-client.ts";
import type { Plan } from "../../domain/plan/plan.ts";
import type { Lifetime } from "../../platform/lifetime.ts";
import { deploymentHere } from "./schedules-client.ts";
import { SchedulesController } from "./schedules-controller.ts";
import type { Announcement, ScheduleStatus, SchedulesRpc } from "./schedules-rpc.ts";
import { ScheduleStore } from "./store.ts";
import { log } from "../../platform/log.ts";

/** The deployment, as the schedules use it. */
export interface ScheduledDeployment {
  readonly plan: Plan;
  /** Triggers the run of a due time. */
  readonly start: (
    env: Env,
    lifetime: Lifetime,
    definition: ScheduleDefinition,
    dueAt: number,
  ) => Promise<Result<RunId>>;
}

export class SchedulesObject extends DurableObject<Env> implements SchedulesRpc {
  readonly #controller: SchedulesController;

  constructor(ctx: DurableObjectState, env: Env, { plan, start }: ScheduledDeployment) {
    super(ctx, env);
    this.#controller = new SchedulesController(new ScheduleStore(ctx.storage), {
      now: () => Date.now(),
      getAlarm: () => ctx.storage.getAlarm(),
      setAlarm: (at) => ctx.storage.setAlarm(at),
      deployment: deploymentHere(env, plan),
      timesOf: ({ cron, timezone }) => dueTimes(cron, timezone),
      // This object has no time to drive a `dispatch: direct` task; the queue drives the task.
      start: (definition, dueAt) =>
        start(
          env,
          { waitUntil: (promise) => ctx.waitUntil(promise), budgetMs: () => 0 },
          definition,
          dueAt,
        ),
      isRunning: async (runId) => {
        const document = await callRun(env, runId, (run) => run.describe());
        return document !== null && document.finished_at === null;
      },
      cancel: async (runId, dueAt) => {
        const call = `due ${dueAt}`;
        await callRun(env, runId, (run) => run.cancel({ children: false, call, by: "schedule" }));
      },
      log: (message, fields) => log("warn", message, fields),
    });
  }

  async sync(announced: Announcement): Promise<void> {
    await this.#controller.sync(announced);
  }

  async list(): Promise<readonly ScheduleStatus[]> {
    return this.#controller.list();
  }

  async pause(task: string, by: string): Promise<readonly ScheduleStatus[]> {
    return this.#controller.pause(task, by);
  }

  async resume(task: string): Promise<readonly ScheduleStatus[]> {
    return this.#controller.resume(task);
  }

  override async alarm(info?: AlarmInvocationInfo): Promise<void> {
    await this.#controller.alarm(info?.scheduledTime ?? null);
  }
}
