/**
 * Holds the slots of one limit: of a task, and of a key if the limit has one. Gives storage, clock,
 * alarm and runs to the decisions in `limit-controller.ts`. Exists only while an attempt holds a
 * slot or waits.
 */
import { DurableObject } from "cloudflare:workers";
import type { LimitName, SlotHolder, SlotRequest } from "../../domain/limits/limit.ts";
import type { Plan } from "../../domain/plan/plan.ts";
import { plannedRule } from "../../domain/limits/limit-rule.ts";
import type { AcquireAnswer } from "../../domain/limits/limiter.ts";
import { callRun } from "../run/run-client.ts";
import { deployedAt } from "../../platform/deployment.ts";
import { listLimit } from "./limit-client.ts";
import { LimitController } from "./limit-controller.ts";
import type { LimitRpc, LimitUse } from "./limit-rpc.ts";
import { LimitStore } from "./store.ts";
import { log } from "../../platform/log.ts";

export class LimitObject extends DurableObject<Env> implements LimitRpc {
  readonly #controller: LimitController;

  /** `plan`: the plan of the deployment. */
  constructor(ctx: DurableObjectState, env: Env, plan: Plan) {
    super(ctx, env);
    this.#controller = new LimitController(new LimitStore(ctx.storage), {
      now: () => Date.now(),
      // Not awaited: the output gate holds answers back until the alarm is durable.
      setAlarm: (at) => ctx.waitUntil(ctx.storage.setAlarm(at)),
      permitted: ({ kind }, holder) =>
        callRun(env, holder.runId, (run) => run.permitted(kind, holder)),
      displaced: (_name, holder) => callRun(env, holder.runId, (run) => run.displaced(holder)),
      planned: (name) => {
        const madeAt = deployedAt(env);
        return madeAt === null ? null : plannedRule(plan, name, { madeAt, now: Date.now() });
      },
      listed: (name, isThere) => listLimit(env, name, isThere),
      waitUntil: (work) => ctx.waitUntil(work),
      log: (message, error) => log("warn", message, { object: ctx.id.name, error }),
    });
  }

  async ask(name: LimitName, request: SlotRequest): Promise<AcquireAnswer> {
    return this.#controller.ask(name, request);
  }

  async giveBack(holder: SlotHolder, afterMs: number): Promise<void> {
    this.#controller.giveBack(holder, afterMs);
  }

  async spend(holder: SlotHolder, perMs: number): Promise<void> {
    this.#controller.spend(holder, perMs);
  }

  async use(): Promise<LimitUse> {
    return this.#controller.use();
  }

  override async alarm(info?: AlarmInvocationInfo): Promise<void> {
    await this.#controller.alarm(info?.scheduledTime ?? null);
  }
}
