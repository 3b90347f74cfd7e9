import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { handleEach, retryDelaySeconds } from "../../src/triggers/queue-retry.ts";

function batchOf(count: number): MessageBatch {
  const timestamp = new Date(0);
  const messages = Array.from({ length: count }, (_, id) => ({ id: String(id), timestamp, attempts: 1, body: id }));
  return createMessageBatch("q", messages);
}

describe("when a message comes again", () => {
  it("a message comes again later after each attempt, up to ten minutes", () => {
    expect([1, 2, 3, 8, 9, 10, 100].map((attempts) => retryDelaySeconds(attempts, 0))).toEqual([
      2, 4, 8, 256, 512, 600, 600,
    ]);
  });

  it("a message comes again spread over half of the delay, in whole seconds, never at once", () => {
    expect([0, 0.5, 0.999].map((jitter) => retryDelaySeconds(4, jitter))).toEqual([16, 12, 9]);
    expect(retryDelaySeconds(1, 0.999)).toBe(2);
  });
});

describe("a batch", () => {
  it("a batch is handled six messages at a time", async () => {
    let now = 0;
    let most = 0;
    const open: (() => void)[] = [];
    const done = handleEach(batchOf(20), async () => {
      now += 1;
      most = Math.max(most, now);
      await new Promise<void>((resolve) => open.push(resolve));
      now -= 1;
    });
    for (let released = 0; released < 20; released += 1) {
      await vi.waitFor(() => expect(open.length).toBeGreaterThan(0), 10_000);
      expect(most).toBe(6);
      open.shift()?.();
    }
    await done;
    expect(now).toBe(0);
  });

  it("a batch goes on where one message's handling throws: only that one comes again", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const batch = batchOf(10);
    await handleEach(batch, async (message) => {
      if (message.body === 3) throw new Error("R2 is down");
      message.ack();
    });
    const result = await getQueueResult(batch, createExecutionContext());
    expect(result.retryMessages.map(({ msgId }) => msgId)).toEqual(["3"]);
    expect(result.explicitAcks.toSorted()).toEqual(["0", "1", "2", "4", "5", "6", "7", "8", "9"]);
    logged.mockRestore();
  });
});
