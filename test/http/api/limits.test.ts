import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LimitListObject } from "../../../src/objects/limits/limit-list-object.ts";
import { acceptLimited, claimed, Limit } from "../../support/limited-runs.ts";
import { edge } from "../../support/edge.ts";
import { loseMessages } from "../../support/lost-messages.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

const PLAN = planOf([
  taskPlan("free"),
  taskPlan("shown", {
    limits: {
      concurrency: { limit: 2, strategy: "queue", key: ["user"] },
      rateLimit: { limit: 100, perMs: 60_000, key: null },
      priority: 0,
    },
  }),
]);

beforeEach(() => void loseMessages());
afterEach(() => vi.restoreAllMocks());

describe("GET /limits", () => {
  it("GET /limits tells the slots in use and the attempts that wait, of limits with a key each at which there is anything", async () => {
    const ask = async (): Promise<unknown> => (await edge(PLAN)("/api/v1/limits")).json();
    const rate = { task: "shown", kind: "rate_limit", key: null, limit: 100, per_ms: 60_000, waiting: 0 };
    expect(await ask()).toEqual({ limits: [{ ...rate, in_use: 0 }] });
    for (let run = 0; run < 3; run += 1) await acceptLimited(PLAN, "shown", { concurrency: '"ann"' });
    await acceptLimited(PLAN, "shown");
    await new Limit("shown", { key: '"ann"' }).until({ inUse: 2, waiting: 1 });
    await new Limit("shown", { kind: "rate_limit" }).until({ inUse: 3, waiting: 0 });
    const concurrency = { task: "shown", kind: "concurrency", limit: 2, per_ms: null };
    await vi.waitFor(
      async () =>
        expect(await ask()).toEqual({
          limits: [
            { ...concurrency, key: null, in_use: 1, waiting: 0 },
            { ...concurrency, key: "ann", in_use: 2, waiting: 1 },
            { ...rate, in_use: 3 },
          ],
        }),
      10_000,
    );
  });

  it("GET /limits counts a start from its claim on by itself: nothing is held for it any more", async () => {
    const rateLimit = { limit: 5, perMs: 3_600_000, key: null };
    const plan = planOf([taskPlan("started", { limits: { concurrency: null, rateLimit, priority: 0 } })]);
    const run = await acceptLimited(plan, "started");
    const limit = new Limit("started", { kind: "rate_limit" });
    await limit.until({ inUse: 1, waiting: 0 });
    expect(await limit.holders()).toHaveLength(1);
    await vi.waitFor(async () => expect(await claimed(run)).toHaveLength(1), 10_000);
    await vi.waitFor(async () => expect(await limit.holders()).toEqual([]), 10_000);
    expect(await (await edge(plan)("/api/v1/limits")).json()).toMatchObject({ limits: [{ in_use: 1, waiting: 0 }] });
  });

  it("GET /limits tells a limit with a key also where it could not be listed when its first attempt came", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const note = vi.spyOn(LimitListObject.prototype, "note").mockRejectedValue(new Error("not now"));
    await acceptLimited(PLAN, "shown", { concurrency: '"bob"' });
    const limit = new Limit("shown", { key: '"bob"' });
    await limit.until({ inUse: 1, waiting: 0 });
    await vi.waitFor(() => expect(note).toHaveBeenCalled(), 10_000);
    note.mockRestore();
    expect(await limit.wake()).toBe(true);
    const ask = async (): Promise<unknown> => (await edge(PLAN)("/api/v1/limits")).json();
    const bob = expect.objectContaining({ kind: "concurrency", key: "bob", in_use: 1 });
    await vi.waitFor(async () => expect(await ask()).toEqual({ limits: expect.arrayContaining([bob]) }), 10_000);
  });
});
