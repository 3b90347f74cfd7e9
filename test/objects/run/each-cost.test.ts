import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { plan } from "#generated/plan";
import { TICK_MS } from "../../../src/execution/driver/item-backlog.ts";
import { acceptance, HandDrivenRun } from "../../support/hand-driven.ts";
import { HeldQueue } from "../../support/held-queue.ts";
import { countOperations } from "../../support/operations.ts";

const ITEMS = 10_000;

// How many items a driver takes depends on how long the last ones took, and when it settles them on its ticks: here no time passes.
beforeAll(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.stubGlobal("scheduler", {
    wait: (ms: number) => (ms < TICK_MS ? Promise.resolve() : new Promise(() => undefined)),
  });
});
afterAll(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/**
 * Twice over all items, with both gatherings: what was counted is printed, and bounded far below one of anything an item. One driver has
 * done everything when the others come: how drivers that come together share the items depends on the machine.
 */
it("10,000 short items cost a fraction of a row and of a call each", { timeout: 120_000 }, async () => {
  const queue = new HeldQueue();
  const counted = await countOperations();
  const { run } = await HandDrivenRun.accept(acceptance(plan, "spread", { payload: { count: ITEMS }, claim: null }));
  await queue.deliverBatch(1);
  const document = await run.call((object) => object.untilFinal(110_000));
  expect(document?.status).toBe("succeeded");
  await queue.deliver();
  const rows = await run.journal();
  const largest = Math.max(...rows.map(({ entry, size }) => size + (entry?.length ?? 0)));
  const bytes = rows.reduce((sum, { entry, size }) => sum + size + (entry?.length ?? 0), 0);
  console.log(
    `2 × ${ITEMS} items: ${counted.rowsWritten} rows, ${counted.runCalls} calls, ${counted.queueOperations / 3} messages, ` +
      `${rows.length} journal rows of ${bytes} bytes in all, the largest of ${largest}`,
  );
  expect(counted.runCalls).toBeLessThan(ITEMS / 25);
  expect(counted.rowsWritten).toBeLessThan(ITEMS / 30);
  expect(counted.queueOperations).toBeLessThanOrEqual(3 * 250);
  expect(largest).toBeLessThan(2_000_000);
  expect(bytes).toBeLessThan(2 * ITEMS * 100);
});
