import { afterEach, describe, expect, it, vi } from "vitest";
import { readGrant } from "../../../src/objects/run/grant-text-rpc.ts";
import type { ClaimRequest } from "../../../src/objects/run/lease-rpc.ts";
import { acceptance, CLAIM, HandDrivenRun, only } from "../../support/hand-driven.ts";
import { succeeded } from "../../support/settlements.ts";
import { loseMessages } from "../../support/lost-messages.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

const CHAIN = planOf([
  taskPlan("a", { downstream: ["b"] }),
  taskPlan("b", { upstream: ["a"], downstream: ["c"] }),
  taskPlan("c", { upstream: ["b"] }),
]);

function named(call: string): ClaimRequest {
  return { ...CLAIM, call };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a call whose answer was lost", () => {
  it("a call whose answer was lost is answered as it was when it is made again, by an object that was evicted meanwhile, and writes nothing", async () => {
    loseMessages();
    const { run } = await HandDrivenRun.accept(acceptance(CHAIN, "a", { claim: null }));
    const first = await run.claim(named("driver/1"));
    await run.evict();
    expect(await run.claim(named("driver/1"))).toEqual(first);
    const settle = { settlements: [succeeded(only(first), "of a")], claim: named("driver/2") };
    const second = await run.call(async (object) => readGrant(await object.settle(settle)));
    const rows = (await run.journal()).length;
    await run.evict();
    expect(await run.call(async (object) => readGrant(await object.settle(settle)))).toEqual(second);
    expect(only(second)).toMatchObject({ task: "b", attempt: 1 });
    expect((await run.journal()).length).toBe(rows);
    await run.settle(succeeded(only(second)));
    expect((await run.document()).tasks.map(({ attempts }) => attempts.length)).toEqual([1, 1, 1]);
  });
});
