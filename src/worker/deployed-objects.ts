/**
 * Object classes that need the deployment. The platform creates objects itself and passes only
 * state and `env`; the classes here add the plan and the functions made from the plan.
 */
import { ExecutorObject as Executor } from "../execution/long-lane/executor-object.ts";
import { LimitObject as Limit } from "../objects/limits/limit-object.ts";
import { SchedulesObject as Schedules } from "../objects/schedules/schedules-object.ts";
import { startScheduled } from "../triggers/scheduled.ts";
import { deployed } from "./deployed.ts";

export class ExecutorObject extends Executor {
  constructor(ctx: DurableObjectState, env: Env) {
    const deployment = deployed();
    super(ctx, env, {
      plan: deployment.plan,
      executeLease: (...given) => deployment.executeLease(...given),
    });
  }
}

export class LimitObject extends Limit {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, deployed().plan);
  }
}

export class SchedulesObject extends Schedules {
  constructor(ctx: DurableObjectState, env: Env) {
    const { acceptTrigger, plan } = deployed();
    const start = startScheduled.bind(null, acceptTrigger);
    super(ctx, env, { plan, start });
  }
}
