import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunId } from "../../src/domain/ids.ts";
import { consumeRunMessages, type StartDriver } from "../../src/triggers/run-consumer.ts";
import { clearDeadLetters, deadLetters, WITHOUT_DEAD_LETTERS } from "../support/dead-letters.ts";
import { newRunId } from "../support/hand-driven.ts";
import { planOf } from "../support/plan.ts";

const QUEUE = "peach-runs";
const timestamp = new Date("2026-01-02T03:04:05.006Z");

/** Consumes bodies as one batch; the messages are called 0, 1, … */
async function consume(startDriver: StartDriver, bodies: readonly unknown[], bindings = env, attempts = 3) {
  const messages = bodies.map((body, id) => ({ id: String(id), timestamp, attempts, body }));
  const batch = createMessageBatch(QUEUE, messages);
  await consumeRunMessages(planOf([]), startDriver, batch, bindings);
  const { explicitAcks, retryMessages } = await getQueueResult(batch, createExecutionContext());
  return { acked: explicitAcks.toSorted(), retried: retryMessages.map(({ msgId }) => msgId) };
}

beforeEach(async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  await clearDeadLetters();
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe("the consumer of run messages", () => {
  it("the consumer of run messages hands each run to a driver, and acknowledges", async () => {
    const ids = [newRunId(), newRunId(), newRunId()];
    const started: RunId[] = [];
    const outcome = await consume(
      async (runId) => void started.push(runId),
      ids.map((run_id) => ({ run_id })),
    );
    expect(started).toEqual(ids);
    expect(outcome).toEqual({ acked: ["0", "1", "2"], retried: [] });
    expect(await deadLetters()).toEqual([]);
  });

  it("the consumer of run messages acknowledges once the driver has claimed, and tells it when the message was sent", async () => {
    const { promise: claimed, resolve: claim } = Promise.withResolvers<void>();
    const start = vi.fn<StartDriver>(() => claimed);
    const runId = newRunId();
    const consuming = consume(start, [{ run_id: runId }], env, 1);
    await vi.waitFor(() => expect(start).toHaveBeenCalledWith(runId, timestamp.getTime()), 10_000);
    expect(await Promise.race([consuming, Promise.resolve("not yet")])).toBe("not yet");
    claim();
    expect(await consuming).toEqual({ acked: ["0"], retried: [] });
  });

  it("the consumer of run messages says nothing of when a message was sent that comes again: consumers have come further than it", async () => {
    const start = vi.fn<StartDriver>();
    const runId = newRunId();
    await consume(start, [{ run_id: runId }], env, 2);
    expect(start).toHaveBeenCalledWith(runId, null);
  });

  it("the consumer of run messages does not wait for a driver that hangs", async () => {
    expect(await consume(() => new Promise(() => undefined), [{ run_id: newRunId() }])).toEqual({
      acked: ["0"],
      retried: [],
    });
  });

  it("the consumer of run messages gives a message of newer code back, for later, and records no dead letter", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const start = vi.fn<StartDriver>();
    const outcome = await consume(start, [
      { v: 2, run_id: newRunId() },
      { v: 2, batch: ["of another shape"] },
    ]);
    expect(outcome).toEqual({ acked: [], retried: ["0", "1"] });
    expect(start).not.toHaveBeenCalled();
    expect(await deadLetters()).toEqual([]);
  });

  it.each<[unknown, string]>([
    ["garbage", "not a run message"],
    [null, "not a run message"],
    [{}, "not a run message"],
    [{ run_id: 7 }, "not a run message"],
    [{ run_id: "run_of_nobody" }, '`run_id` is not the id of a run: "run_of_nobody"'],
  ])(
    "the consumer of run messages records %j as a dead letter with its reason, and acknowledges",
    async (body, reason) => {
      const start = vi.fn<StartDriver>();
      expect(await consume(start, [body])).toEqual({ acked: ["0"], retried: [] });
      expect(start).not.toHaveBeenCalled();
      expect(await deadLetters()).toEqual([
        {
          id: expect.stringMatching(/^dlt_/),
          queue: QUEUE,
          reason: "not_understood",
          detail: expect.stringContaining(reason),
          body: JSON.stringify(body),
          receivedAt: expect.any(Number),
          attempts: 3,
          expiresAt: expect.any(Number),
        },
      ]);
    },
  );

  it("the consumer of run messages has a message delivered again whose driver does not start; the others are not concerned", async () => {
    const [broken, fine] = [newRunId(), newRunId()];
    const outcome = await consume(
      async (runId) => {
        if (runId === broken) throw new Error("The destination worker is overloaded.");
      },
      [{ run_id: broken }, { run_id: fine }, "garbage"],
    );
    expect(outcome).toEqual({ acked: ["1", "2"], retried: ["0"] });
    expect(await deadLetters()).toHaveLength(1);
  });

  it("the consumer of run messages has a message delivered again that cannot be recorded as a dead letter", async () => {
    expect(await consume(async () => undefined, ["garbage"], WITHOUT_DEAD_LETTERS)).toEqual({
      acked: [],
      retried: ["0"],
    });
  });
});
