import { describe, expect, it } from "vitest";
import type { LimitRule } from "../../src/core/limit.ts";
import { SlotBook } from "../../src/core/slot-book.ts";

const MINUTE = 60_000;
const OLD = { limit: 10, perMs: null, madeAt: 1_000 } as const;
const NEW = { limit: 3, perMs: null, madeAt: 2_000 } as const;
const DEPLOYED = 10 * 60 * MINUTE;

/** The limit after these plans were brought, in this order. */
function limitAfter(...rules: readonly LimitRule[]): number {
  const book = new SlotBook([], [], null);
  for (const rule of rules) book.adopt(rule);
  return book.limit;
}

describe("the plan of a limit", () => {
  it("is not set back by a run that an old isolate accepts during a deploy", () => {
    const late = { ...OLD, planAt: DEPLOYED + MINUTE };
    expect(limitAfter({ ...NEW, planAt: DEPLOYED }, late)).toBe(3);
    expect(limitAfter(late, { ...NEW, planAt: DEPLOYED })).toBe(3);
  });

  it("is that of an older deployment once that has been rolled back to for a quarter of an hour", () => {
    const back = { ...OLD, planAt: DEPLOYED + 15 * MINUTE };
    expect(limitAfter({ ...NEW, planAt: DEPLOYED }, back)).toBe(10);
    expect(limitAfter({ ...NEW, planAt: DEPLOYED }, back, { ...NEW, planAt: DEPLOYED })).toBe(10);
  });

  it("follows the order of runs where the platform does not say when a deployment was made", () => {
    const rule = { limit: 3, perMs: null };
    expect(limitAfter({ ...rule, planAt: 2 }, { ...rule, limit: 10, planAt: 1 })).toBe(3);
    expect(limitAfter({ ...rule, planAt: 1 }, { ...rule, limit: 10, planAt: 2 })).toBe(10);
  });
});
