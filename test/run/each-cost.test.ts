import { expect, it } from "vitest";
import { plan } from "#generated/plan";
import { acceptance, HandDrivenRun } from "../support/hand-driven.ts";
import { countOperations } from "../support/operations.ts";

const ITEMS = 10_000;

/** Twice over all items, with both gatherings: what was counted is printed, and bounded far below one of anything an item. */
it("10,000 short items cost a fraction of a row and of a call each", { timeout: 120_000 }, async () => {
  const counted = await countOperations();
  const { run } = await HandDrivenRun.accept(acceptance(plan, "spread", { payload: { count: ITEMS }, claim: null }));
  const document = await run.call((object) => object.untilFinal(110_000));
  expect(document?.status).toBe("succeeded");
  const rows = await run.journal();
  const largest = Math.max(...rows.map(({ entry, size }) => size + (entry?.length ?? 0)));
  const bytes = rows.reduce((sum, { entry, size }) => sum + size + (entry?.length ?? 0), 0);
  console.log(
    `2 × ${ITEMS} items: ${counted.rowsWritten} rows, ${counted.runCalls} calls, ${counted.queueOperations / 3} messages, ` +
      `${rows.length} journal rows of ${bytes} bytes in all, the largest of ${largest}; ${document?.duration_ms} ms`,
  );
  expect(counted.runCalls).toBeLessThan(ITEMS / 5);
  expect(counted.rowsWritten).toBeLessThan(ITEMS / 5);
  expect(counted.queueOperations).toBeLessThanOrEqual(3 * 250);
  expect(largest).toBeLessThan(2_000_000);
  expect(bytes).toBeLessThan(2 * ITEMS * 100);
});
