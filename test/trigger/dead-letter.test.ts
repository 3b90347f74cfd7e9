import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { consumeDeadLetters, type DeadLetter } from "../../src/trigger/dead-letter.ts";

const timestamp = new Date("2026-01-02T03:04:05.006Z");

async function consume(id: string, body: unknown): Promise<{ acked: readonly string[]; retried: readonly string[] }> {
  const batch = createMessageBatch("peach-dead-letters", [{ id, timestamp, attempts: 2, body }]);
  await consumeDeadLetters(batch, env);
  const { explicitAcks, retryMessages } = await getQueueResult(batch, createExecutionContext());
  return { acked: explicitAcks, retried: retryMessages.map(({ msgId }) => msgId) };
}

async function letterOf(id: string): Promise<DeadLetter | undefined> {
  return (await env.PAYLOADS.get(`dead-letters/2026-01-02T03:04:05.006Z-${id}.json`))?.json();
}

beforeEach(() => {
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
  ])("is recorded under its time and id, with the queue that its shape tells: %s", async (queue, body) => {
    const id = crypto.randomUUID();
    expect(await consume(id, body)).toEqual({ acked: [id], retried: [] });
    expect(await letterOf(id)).toEqual({
      id,
      queue,
      reason: expect.stringContaining(queue),
      body,
      attempts: 2,
      first_seen: "2026-01-02T03:04:05.006Z",
    });
  });

  it("is recorded as text if JSON cannot say it", async () => {
    const id = crypto.randomUUID();
    expect((await consume(id, 12n)).acked).toEqual([id]);
    expect((await letterOf(id))?.body).toBe("12");
  });

  it("is acknowledged only when it is recorded", async () => {
    vi.spyOn(env.PAYLOADS, "put").mockRejectedValue(new Error("R2 is down"));
    expect(await consume("1", {})).toEqual({ acked: [], retried: ["1"] });
  });
});
