import { describe, expect, it } from "vitest";
import type { LimitRule } from "../../../src/domain/limits/limit.ts";
import { plannedRule } from "../../../src/domain/limits/limit-rule.ts";
import { Limiter } from "../../../src/domain/limits/limiter.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

const MINUTE = 60_000;
const OLD = { limit: 10, perMs: null, madeAt: 1_000 } as const;
const NEW = { limit: 3, perMs: null, madeAt: 2_000 } as const;
const DEPLOYED = 10 * 60 * MINUTE;

/** The limit after these plans were brought, in this order. */
function limitAfter(...rules: readonly LimitRule[]): number {
  const limiter = new Limiter([], [], null);
  for (const rule of rules) limiter.adopt(rule);
  return limiter.limit;
}

describe("the plan of a limit", () => {
  it("the plan of a limit admits nobody before it is known", () => {
    expect(limitAfter()).toBe(0);
  });

  it("the plan of a limit is not set back by a run that an old isolate accepts during a deploy", () => {
    const late = { ...OLD, planAt: DEPLOYED + MINUTE };
    expect(limitAfter({ ...NEW, planAt: DEPLOYED }, late)).toBe(3);
    expect(limitAfter(late, { ...NEW, planAt: DEPLOYED })).toBe(3);
  });

  it("the plan of a limit is that of an older deployment once that has been rolled back to for a quarter of an hour", () => {
    const back = { ...OLD, planAt: DEPLOYED + 15 * MINUTE };
    expect(limitAfter({ ...NEW, planAt: DEPLOYED }, back)).toBe(10);
    expect(limitAfter({ ...NEW, planAt: DEPLOYED }, back, { ...NEW, planAt: DEPLOYED })).toBe(10);
  });

  it("the plan of a limit is what peach.conf says of its kind; a limit that is there no more holds nobody back", () => {
    const limits = {
      concurrency: { limit: 4, strategy: "queue", key: null },
      rateLimit: { limit: 9, perMs: MINUTE, key: null },
      priority: 0,
    } as const;
    const plan = planOf([taskPlan("encode", { limits }), taskPlan("free")]);
    const ruleOf = (kind: "concurrency" | "rate_limit", task: string): unknown =>
      plannedRule(plan, { kind, task, key: null }, { madeAt: 1, now: 2 });
    const times = { planAt: 2, madeAt: 1 };
    expect(ruleOf("concurrency", "encode")).toEqual({ limit: 4, perMs: null, ...times });
    expect(ruleOf("rate_limit", "encode")).toEqual({ limit: 9, perMs: MINUTE, ...times });
    expect(ruleOf("concurrency", "free")).toEqual({ limit: Number.MAX_SAFE_INTEGER, perMs: null, ...times });
    expect(ruleOf("rate_limit", "free")).toEqual({ limit: Number.MAX_SAFE_INTEGER, perMs: 0, ...times });
    expect(ruleOf("concurrency", "gone")).toBeNull();
  });

  it("the plan of a limit counts from when its deployment runs, also if that was made long before", () => {
    const running = (limit: number, madeAt: number, now: number): LimitRule => {
      const limits = { concurrency: { limit, strategy: "queue", key: null }, rateLimit: null, priority: 0 } as const;
      const rule = plannedRule(
        planOf([taskPlan("encode", { limits })]),
        { kind: "concurrency", task: "encode", key: null },
        { madeAt, now },
      );
      if (rule === null) throw new Error("the plan has the task");
      return rule;
    };
    const heard = { ...OLD, planAt: DEPLOYED };
    expect(limitAfter(heard, running(20, NEW.madeAt, DEPLOYED + 1))).toBe(20);
    const before = { ...NEW, planAt: DEPLOYED };
    expect(limitAfter(before, running(20, OLD.madeAt, DEPLOYED + 1))).toBe(3);
    expect(limitAfter(before, running(20, OLD.madeAt, DEPLOYED + 15 * MINUTE))).toBe(20);
  });

  it("the plan of a limit follows the order of runs where the platform does not say when a deployment was made", () => {
    const rule = { limit: 3, perMs: null };
    expect(limitAfter({ ...rule, planAt: 2 }, { ...rule, limit: 10, planAt: 1 })).toBe(3);
    expect(limitAfter({ ...rule, planAt: 1 }, { ...rule, limit: 10, planAt: 2 })).toBe(10);
  });
});
