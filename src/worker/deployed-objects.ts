/**
 * The object classes as they are deployed. The platform creates objects itself and passes only state
 * and the bindings of wrangler.toml; the classes here add the rest of `env`, the plan, and the
 * functions made from the plan.
 */
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
import { ObjectVersionsObject as ObjectVersions } from "../objects/object-versions/object-versions-object.ts";
import { PausesObject as Pauses } from "../objects/pauses/pauses-object.ts";
import { RunObject as Run } from "../objects/run/run-object.ts";
import { SchedulesObject as Schedules } from "../objects/schedules/schedules-object.ts";
import { startScheduled } from "../triggers/scheduled.ts";
import { deployed } from "./deployed.ts";
import { ownEnv } from "./own-env.ts";

export class AuditObject extends Audit {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, ownEnv(env, ctx.exports));
  }
}

export class CatalogObject extends Catalog {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, ownEnv(env, ctx.exports));
  }
}

export class DeadLettersObject extends DeadLetters {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, ownEnv(env, ctx.exports));
  }
}

export class DeathsObject extends Deaths {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, ownEnv(env, ctx.exports));
  }
}

export class DebounceObject extends Debounce {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, ownEnv(env, ctx.exports));
  }
}

export class DeliveriesObject extends Deliveries {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, ownEnv(env, ctx.exports));
  }
}

export class IdentityObject extends Identity {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, ownEnv(env, ctx.exports));
  }
}

export class LimitListObject extends LimitList {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, ownEnv(env, ctx.exports));
  }
}

export class ObjectVersionsObject extends ObjectVersions {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, ownEnv(env, ctx.exports));
  }
}

export class PausesObject extends Pauses {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, ownEnv(env, ctx.exports));
  }
}

export class RunObject extends Run {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, ownEnv(env, ctx.exports));
  }
}

export class TaskDirectoryObject extends TaskDirectory {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, ownEnv(env, ctx.exports));
  }
}

export class ExecutorObject extends Executor {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    const deployment = deployed();
    super(ctx, ownEnv(env, ctx.exports), {
      plan: deployment.plan,
      executeLease: (...given) => deployment.executeLease(...given),
    });
  }
}

export class LimitObject extends Limit {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, ownEnv(env, ctx.exports), deployed().plan);
  }
}

export class SchedulesObject extends Schedules {
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    const { acceptTrigger, plan } = deployed();
    const start = startScheduled.bind(null, acceptTrigger);
    super(ctx, ownEnv(env, ctx.exports), { plan, start });
  }
}
