/**
 * The long lane: one attempt of a task with a timeout above 25 s (to 14 min), or of a task
 * suspected of killing its worker (see domain/run/blame.ts), in an object of its own. The attempt
 * runs in the alarm handler: a fresh top-level invocation with 15 minutes of wall time, with any
 * number of objects side by side. The logic is in `executor-controller.ts`; this file binds
 * storage, alarm, run and task code.
 */
import { DurableObject } from "cloudflare:workers";
import type { RunId } from "../../domain/ids.ts";
import type { Plan } from "../../domain/plan/plan.ts";
import { FORMAT_VERSION } from "../../domain/version.ts";
import { pausedBy, pausedTasks } from "../../objects/pauses/pauses-client.ts";
import type { Trial } from "../../domain/trials.ts";
import {
  askForTrial,
  endTrial,
  explainedDeaths,
  noteDeath,
} from "../../objects/deaths/deaths-client.ts";
import { callRun } from "../../objects/run/run-client.ts";
import type { Lease } from "../../objects/run/lease-rpc.ts";
import type { Settlement } from "../../objects/run/settlement-rpc.ts";
import { Deadlines } from "../attempt/deadlines.ts";
import { deploymentOf } from "../../platform/deployment.ts";
import { ExecutorController } from "./executor-controller.ts";
import { ExecutorStore } from "./store.ts";
import type { ExecutorRpc } from "../../objects/executors/executor-rpc.ts";
import { ProgressReporter } from "../driver/progress-reporter.ts";
import { BackgroundWork, type Lifetime } from "../../platform/lifetime.ts";
import { log } from "../../platform/log.ts";

/** The deployed code, as executor objects use it. */
export interface DeployedTasks {
  readonly plan: Pick<Plan, "version">;
  /** Runs one attempt. Never rejects. */
  readonly executeLease: (
    env: Env,
    lease: Lease,
    lifetime: Lifetime,
    deadlines: Deadlines,
    arrays: undefined,
    reports: ProgressReporter,
  ) => Promise<Settlement>;
}

/**
 * The deployed version; on the local runtime, where each start has another id, the version of
 * peach.conf.
 */
function versionOf(env: Env, { version }: DeployedTasks["plan"]): string {
  return env.PEACH_LOCAL === "1" ? version : (deploymentOf(env).deployment ?? version);
}

export class ExecutorObject extends DurableObject<Env> implements ExecutorRpc {
  readonly #controller: ExecutorController;
  readonly #deployed: DeployedTasks;

  constructor(ctx: DurableObjectState, env: Env, deployed: DeployedTasks) {
    super(ctx, env);
    this.#deployed = deployed;
    const store = new ExecutorStore(ctx.storage);
    this.#controller = new ExecutorController({
      now: () => Date.now(),
      version: versionOf(env, deployed.plan),
      order: () => store.order(),
      note: (order) => store.note(order),
      sync: () => ctx.storage.sync(),
      deleteAll: () => ctx.storage.deleteAll(),
      // Not awaited: the output gate holds answers back until the alarm is durable.
      setAlarm: (at) => ctx.waitUntil(ctx.storage.setAlarm(at)),
      begin: async ({ runId, ordinal }, claim) => {
        const paused = await pausedTasks(env);
        const claimant = {
          ...deploymentOf(env),
          ...(paused !== undefined && { paused, pausedBy: pausedBy() }),
          ...claim,
        };
        return callRun(env, runId, (run) => run.begin(ordinal, ctx.id.toString(), claimant));
      },
      execute: (lease) => this.#execute(lease),
      settle: ({ runId }, settlement, onFailure) => this.#settle(runId, settlement, onFailure),
      reportDeath: async ({ runId, ordinal }, { attempt, begunAt, foundAt }) => {
        const [ageMs, agoMs] = [Date.now() - begunAt, Date.now() - foundAt];
        const sole = await noteDeath(env, { runId, ordinal, attempt, ageMs, agoMs });
        return sole === null
          ? null
          : { sole, explained: await explainedDeaths(env, runId, ordinal) };
      },
      askTrial: ({ runId, ordinal }, trial) => askForTrial(env, runId, ordinal, trial),
      endTrial: ({ runId, ordinal }) => endTrial(env, runId, ordinal),
      alarmFailed: ({ runId, ordinal }, error, isLast) => {
        log(
          "error",
          `an executor object could not reach its run, ${isLast ? "and gives it up" : "trying again"}`,
          { run_id: runId, ordinal, error },
        );
      },
    });
  }

  async start(runId: RunId, ordinal: number, trial?: Trial): Promise<void> {
    this.#controller.start(runId, ordinal, trial);
  }

  override async alarm(info?: AlarmInvocationInfo): Promise<void> {
    await this.#controller.alarm(info?.scheduledTime ?? null);
  }

  async #execute(lease: Lease): Promise<Settlement> {
    const background = new BackgroundWork();
    const deadlines = new Deadlines();
    const lifetime = { waitUntil: background.waitUntil, budgetMs: () => 0 };
    const { env } = this;
    const reports = new ProgressReporter(deadlines, (said) =>
      callRun(env, lease.runId, (run) => run.report(said)),
    );
    const { executeLease } = this.#deployed;
    const settlement = await executeLease(env, lease, lifetime, deadlines, undefined, reports);
    deadlines.close();
    await background.ended();
    return settlement;
  }

  async #settle(
    runId: RunId,
    settlement: Settlement,
    onFailure: () => Promise<void>,
  ): Promise<void> {
    await callRun(this.env, runId, async (run) => {
      try {
        await run.settle({ v: FORMAT_VERSION, settlements: [settlement], claim: null });
      } catch (error) {
        await onFailure();
        throw error;
      }
    });
  }
}
