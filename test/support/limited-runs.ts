/** Many runs of a limited task whose drivers are the test: it claims what the limit has permitted, and ends it as it likes. */
import { DrivenObject } from "./driven-object.ts";
import { env } from "./env.ts";
import { vi } from "vitest";
import type { RunId } from "../../src/domain/ids.ts";
import type { LimitKeys, LimitName } from "../../src/domain/limits/limit.ts";
import type { Plan } from "../../src/domain/plan/plan.ts";
import type { LimitObject } from "../../src/objects/limits/limit-object.ts";
import { callLimit } from "../../src/objects/limits/limit-client.ts";
import { limitObjectName, type LimitUse } from "../../src/objects/limits/limit-rpc.ts";
import type { Lease } from "../../src/objects/run/lease-rpc.ts";
import { acceptance, HandDrivenRun } from "./hand-driven.ts";

/** A run of `root` for which the queue is told, were it not silent. */
export async function acceptLimited(plan: Plan, root: string, limitKeys?: LimitKeys): Promise<HandDrivenRun> {
  const request = acceptance(plan, root, { claim: null });
  const { run } = await HandDrivenRun.accept({ ...request, ...(limitKeys !== undefined && { limitKeys }) });
  return run;
}

/** What the run may do now. */
export async function claimed(run: HandDrivenRun): Promise<readonly Lease[]> {
  return (await run.claim()).leases;
}

/** One limit, seen from outside. */
export class Limit extends DrivenObject<LimitObject> {
  readonly name: LimitName;

  constructor(task: string, { kind = "concurrency", key = null }: Partial<LimitName> = {}) {
    const name = { kind, task, key };
    super(() => env.LIMITS.getByName(limitObjectName(name)));
    this.name = name;
  }

  use(): Promise<LimitUse> {
    return callLimit(env, this.name, (limit) => limit.use());
  }

  /** Waits until so many have a slot and so many wait. */
  async until(use: LimitUse): Promise<void> {
    await vi.waitFor(
      async () => {
        const now = await this.use();
        if (now.inUse !== use.inUse || now.waiting !== use.waiting) throw new Error(JSON.stringify(now));
      },
      { interval: 5, timeout: 20_000 },
    );
  }

  /** The runs that have a slot, by arrival. */
  async holders(): Promise<RunId[]> {
    if (await this.isGone()) return [];
    return this.inside(({ storage }) =>
      storage.sql
        .exec<{ run_id: RunId }>("SELECT run_id FROM slot WHERE phase = 'held' ORDER BY seq")
        .toArray()
        .map((row) => row.run_id),
    );
  }

  /** Whether nothing at all is stored. */
  async isGone(): Promise<boolean> {
    return this.inside(
      async ({ storage }) =>
        storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'slot'").toArray().length === 0 &&
        (await storage.getAlarm()) === null,
    );
  }
}
