import { env } from "../../support/env.ts";
import { describe, expect, it } from "vitest";
import type { Lease } from "../../../src/objects/run/lease-rpc.ts";
import { openPayload } from "../../../src/payloads/payload-store.ts";
import { acceptance, HandDrivenRun, only } from "../../support/hand-driven.ts";
import { inline, settlement, succeeded } from "../../support/settlements.ts";
import { nextCall } from "../../support/pool/pipelines/scripted.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

/** The largest that inline_limit may be. */
const INLINE_LIMIT = 262_144;
const ROW_BYTES = 1_500_000;
const WIDTH = 20;
const SIDES = Array.from({ length: WIDTH }, (_, index) => `side_${index}`);

//      ┌▶ side_0 ──┐
// top ─┼▶   ...   ─┼▶ join
//      └▶ side_19 ─┘
const WIDE = planOf(
  [
    taskPlan("top", { method: "scripted", downstream: SIDES }),
    ...SIDES.map((name) => taskPlan(name, { method: "scripted", upstream: ["top"], downstream: ["join"] })),
    taskPlan("join", { method: "scripted", upstream: SIDES }),
  ],
  { inlineLimitBytes: INLINE_LIMIT },
);

/** What each side passes: the first and the last byte tell a place that is off by one. */
const PASSED = SIDES.map((_, index) =>
  new Uint8Array(INLINE_LIMIT)
    .fill(index + 1)
    .fill(254, 0, 1)
    .fill(255, -1),
);

function passedBy(name: string): Uint8Array {
  const passed = PASSED[SIDES.indexOf(name)];
  if (passed === undefined) throw new Error(`${name} is no side`);
  return passed;
}

/** Compared natively: a quarter of a million numbers one by one take long. */
function isPassedBy(name: string, bytes: unknown): boolean {
  return bytes instanceof Uint8Array && Buffer.compare(bytes, passedBy(name)) === 0;
}

/** Brings a run to its join: every side has passed as much as may ride with the run. */
async function upToJoin(): Promise<{ run: HandDrivenRun; join: Lease }> {
  const { run, answer } = await HandDrivenRun.accept(acceptance(WIDE, "top"));
  let leases = (await run.settle(succeeded(only(answer.grant)))).leases;
  while (leases.some(({ task }) => task !== "join")) {
    const settlements = leases.map((lease) => succeeded(lease, passedBy(lease.task)));
    ({ leases } = await run.settle(...settlements));
  }
  return { run, join: only({ leases }) };
}

describe("payloads above what a row holds, settled in one call", () => {
  it("payloads above what a row holds, settled in one call, lie in rows of their own, and come back, also after an eviction", async () => {
    const { run } = await upToJoin();
    const rows = await run.journal();
    expect(rows.every(({ size }) => size <= ROW_BYTES)).toBe(true);
    expect(rows.some(({ kind, size }) => kind === "data" && size > INLINE_LIMIT)).toBe(true);
    for (let round = 0; round < 2; round += 1) {
      for (const name of SIDES) {
        const payload = await run.call((object) => object.payload(name));
        expect(payload?.at === "inline" && isPassedBy(name, payload.bytes)).toBe(true);
      }
      await run.evict();
    }
  });

  it("payloads above what a row holds, settled in one call, may be what one task passes to each of its children", async () => {
    const { run, answer } = await HandDrivenRun.accept(acceptance(WIDE, "top"));
    const to = Object.fromEntries(SIDES.map((name) => [name, inline(passedBy(name))]));
    const outcome = { type: "succeeded", output: inline(null), to } as const;
    const { leases } = await run.settle(settlement(only(answer.grant), outcome));
    expect(leases).toHaveLength(6);
    for (const { task, inputs } of leases) {
      const payload = inputs[0]?.payload;
      expect(payload?.at === "inline" && isPassedBy(task, payload.bytes)).toBe(true);
    }
  });
});

describe("a join that reads more than one answer may carry", () => {
  it("a join that reads more than one answer may carry gets what fits with its lease, and fetches the rest", async () => {
    const { run, join } = await upToJoin();
    const held = join.inputs.filter(({ payload }) => payload.at === "held");
    expect(held).toHaveLength(5);
    for (const { parent, payload } of join.inputs) {
      const value = await openPayload(env.PAYLOADS, payload, (...place) => run.call((object) => object.held(...place)));
      expect(isPassedBy(parent, value)).toBe(true);
    }
  });

  it("a join that reads more than one answer may carry reads all of it, run by a driver", async () => {
    const { run, join } = await upToJoin();
    // The test's own attempt is lost; a real driver makes the next one.
    const error = { name: "WorkerLostError", message: "lost by the test", stack: null };
    await run.call((object) =>
      object.settle({ settlements: [settlement(join, { type: "lost", to: "worker", error })], claim: null }),
    );
    const call = await nextCall(run.id, "join");
    const read = Object.entries(call.payload ?? {});
    expect(read.map(([name]) => name)).toEqual(SIDES);
    for (const [name, value] of read) expect(isPassedBy(name, value)).toBe(true);
    call.succeed();
    expect((await run.final()).status).toBe("succeeded");
  });

  it("a join that reads more than one answer may carry is refused bytes that the run does not hold", async () => {
    const { run } = await upToJoin();
    const place = [1, 0, INLINE_LIMIT] as const;
    await expect(async () => run.call((object) => object.held(...place))).rejects.toThrow(
      `the run holds no ${INLINE_LIMIT} bytes at entry 1`,
    );
  });
});
