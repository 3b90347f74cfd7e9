import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { consumeDeadLetters } from "../../src/triggers/dead-letter.ts";
import { clearDeadLetters, deadLetters, WITHOUT_DEAD_LETTERS } from "../support/dead-letters.ts";
import { planOf } from "../support/plan.ts";

const timestamp = new Date("2026-01-02T03:04:05.006Z");

async function consume(
  id: string,
  body: unknown,
  bindings = env,
): Promise<{ acked: readonly string[]; retried: readonly string[] }> {
  const batch = createMessageBatch("peach-dead-letters", [{ id, timestamp, attempts: 2, body }]);
  await consumeDeadLetters(planOf([], { retentionMs: 1_000 }), batch, bindings);
  const { explicitAcks, retryMessages } = await getQueueResult(batch, createExecutionContext());
  return { acked: explicitAcks, retried: retryMessages.map(({ msgId }) => msgId) };
}

beforeEach(async () => {
  await clearDeadLetters();
  vi.spyOn(console, "error").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe("a message that its queue has given up", () => {
  it.each([
    ["peach-runs", { run_id: `run_${"0".repeat(26)}` }],
    [
      "peach-r2-events",
      {
        account: "a",
        action: "DeleteObject",
        bucket: "uploads",
        object: { key: "k" },
        eventTime: "2026-05-24T19:36:44.379Z",
      },
    ],
    ["an unknown queue", { what: "is this" }],
  ])(
    "a message that its queue has given up is recorded with the queue that its shape tells: %s",
    async (queue, body) => {
      const id = crypto.randomUUID();
      expect(await consume(id, body)).toEqual({ acked: [id], retried: [] });
      const [letter, ...others] = await deadLetters();
      expect(others).toEqual([]);
      expect(letter).toEqual({
        id: expect.stringMatching(/^dlt_[0-9a-z]{26}$/),
        queue,
        reason: "given_up",
        detail: expect.stringContaining(queue),
        body: JSON.stringify(body),
        receivedAt: expect.any(Number),
        attempts: 2,
        expiresAt: (letter?.receivedAt ?? 0) + 1_000,
      });
    },
  );

  it("a message that its queue has given up is one letter, however often it is delivered", async () => {
    const id = crypto.randomUUID();
    await consume(id, { what: "is this" });
    await consume(id, { what: "is this" });
    await consume(crypto.randomUUID(), { what: "is this" });
    expect(await deadLetters()).toHaveLength(2);
  });

  it.each([
    [12n, '"12"'],
    [undefined, '"undefined"'],
    [new Map([[1, 2]]), "{}"],
  ])(
    "a message that its queue has given up is recorded as JSON, or as text if JSON cannot say it: %s",
    async (body, text) => {
      await consume(crypto.randomUUID(), body);
      expect(await deadLetters()).toMatchObject([{ body: text }]);
    },
  );

  it("a message that its queue has given up is acknowledged only when it is recorded", async () => {
    expect(await consume("1", {}, WITHOUT_DEAD_LETTERS)).toEqual({ acked: [], retried: ["1"] });
  });
});
