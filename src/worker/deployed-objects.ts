/**
 * The object classes as they are deployed. The platform creates objects itself and passes only
 * state and the bindings of wrangler.toml; the classes here add the rest of `env`, the plan, and
 * the functions made from the plan.
 */
import type { DurableObject } from "cloudflare:workers";
import { ExecutorObject as Executor } from "../execution/long-lane/executor-object.ts";
import { AuditObject as Audit } from "../objects/audit/audit-object.ts";
import { CatalogObject as Catalog } from "../objects/catalog/catalog-object.ts";
import { TaskDirectoryObject as TaskDirectory } from "../objects/catalog/task-directory-object.ts";
import { DeadLettersObject as DeadLetters } from "../objects/dead-letters/dead-letters-object.ts";
import { DeathsObject as Deaths } from "../objects/deaths/deaths-object.ts";
import { DebounceObject as Debounce } from "../objects/debounce/debounce-object.ts";
import { DeliveriesObject as Deliveries } from "../objects/deliveries/deliveries-object.ts";
import { IdentityObject as Identity } from "../objects/identity/identity-object.ts";
import { LimitListObject as LimitList } from "../objects/limits/limit-list-object.ts";
import { LimitObject as Limit } from "../objects/limits/limit-object.ts";
import { ObjectVersionsObject as Seen } from "../objects/object-versions/object-versions-object.ts";
import { PausesObject as Pauses } from "../objects/pauses/pauses-object.ts";
import { RunObject as Run } from "../objects/run/run-object.ts";
import { SchedulesObject as Schedules } from "../objects/schedules/schedules-object.ts";
import { VectorsObject as Vectors } from "../objects/vectors/vectors-object.ts";
import { startScheduled } from "../triggers/scheduled.ts";
import { deployed } from "./deployed.ts";
import { ownEnv } from "./own-env.ts";

type ObjectClass = new (ctx: DurableObjectState, env: Env) => DurableObject<Env>;

/** Derives a class whose objects get Peach's own `env` in place of the bindings alone. */
function withOwnEnv<Class extends ObjectClass>(base: Class): Class {
  const plain: ObjectClass = base;
  class WithOwnEnv extends plain {
    constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
      super(ctx, ownEnv(env, ctx.exports));
    }
  }
  // The derived class has all that `base` has, and takes less: TypeScript cannot tell.
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return WithOwnEnv as unknown as Class;
}

/** Records who did what. */
export class AuditObject extends withOwnEnv(Audit) {}

/** Lists the runs of a task; a busy task has several. */
export class CatalogObject extends withOwnEnv(Catalog) {}

/** Keeps messages that could not be processed. */
export class DeadLettersObject extends withOwnEnv(DeadLetters) {}

/** Counts workers that died, for the blame of tasks. */
export class DeathsObject extends withOwnEnv(Deaths) {}

/** Holds the window of a debounced trigger. */
export class DebounceObject extends withOwnEnv(Debounce) {}

/** Remembers deliveries and callers of endpoints. */
export class DeliveriesObject extends withOwnEnv(Deliveries) {}

/** Holds API tokens, sessions and the deployment's secret. */
export class IdentityObject extends withOwnEnv(Identity) {}

/** Lists the limits of a task. */
export class LimitListObject extends withOwnEnv(LimitList) {}

/** Remembers the object versions that triggered a run. */
export class ObjectVersionsObject extends withOwnEnv(Seen) {}

/** Holds paused tasks and schedules. */
export class PausesObject extends withOwnEnv(Pauses) {}

/** Holds a run: journal, leases, alarm. */
export class RunObject extends withOwnEnv(Run) {}

/** Knows every task that ever had a run. */
export class TaskDirectoryObject extends withOwnEnv(TaskDirectory) {}

/** Holds an index of vectors. */
export class VectorsObject extends withOwnEnv(Vectors) {}

/** Runs one long attempt, or one trial of a suspect. */
export class ExecutorObject extends Executor {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    const deployment = deployed();
    super(ctx, ownEnv(env, ctx.exports), {
      plan: deployment.plan,
      executeLease: (...given) => deployment.executeLease(...given),
    });
  }
}

/** Grants the slots of one limit. */
export class LimitObject extends Limit {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, ownEnv(env, ctx.exports), deployed().plan);
  }
}

/** Starts scheduled runs at due times. */
export class SchedulesObject extends Schedules {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    const { acceptTrigger, plan } = deployed();
    const start = startScheduled.bind(null, acceptTrigger);
    super(ctx, ownEnv(env, ctx.exports), { plan, start });
  }
}
