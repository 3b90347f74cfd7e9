import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunId } from "../../src/core/ids.ts";
import type { DeadLetter } from "../../src/trigger/dead-letter.ts";
import { consumeRunMessages, type StartDriver } from "../../src/trigger/run-consumer.ts";
import { newRunId } from "../support/hand-driven.ts";

const QUEUE = "peach-runs";
const timestamp = new Date("2026-01-02T03:04:05.006Z");

/** Consumes bodies as one batch; the messages are called 0, 1, … */
async function consume(startDriver: StartDriver, bodies: readonly unknown[]) {
  const messages = bodies.map((body, id) => ({ id: String(id), timestamp, attempts: 3, body }));
  const batch = createMessageBatch(QUEUE, messages);
  await consumeRunMessages(startDriver, batch, env);
  const { explicitAcks, retryMessages } = await getQueueResult(batch, createExecutionContext());
  return { acked: explicitAcks.toSorted(), retried: retryMessages.map(({ msgId }) => msgId) };
}

async function deadLetters(): Promise<DeadLetter[]> {
  const { objects } = await env.PAYLOADS.list({ prefix: "dead-letters/" });
  const bodies = await Promise.all(objects.map(({ key }) => env.PAYLOADS.get(key)));
  return Promise.all(bodies.flatMap((body) => (body === null ? [] : [body.json<DeadLetter>()])));
}

beforeEach(async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const { objects } = await env.PAYLOADS.list({ prefix: "dead-letters/" });
  await env.PAYLOADS.delete(objects.map(({ key }) => key));
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe("the consumer of run messages", () => {
  it("hands each run to a driver, and acknowledges", async () => {
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

  it.each<[unknown, string]>([
    ["garbage", "not a run message"],
    [null, "not a run message"],
    [{}, "not a run message"],
    [{ run_id: 7 }, "not a run message"],
    [{ run_id: "run_of_nobody" }, '`run_id` is not the id of a run: "run_of_nobody"'],
  ])("records %j as a dead letter with its reason, and acknowledges", async (body, reason) => {
    const start = vi.fn<StartDriver>();
    expect(await consume(start, [body])).toEqual({ acked: ["0"], retried: [] });
    expect(start).not.toHaveBeenCalled();
    expect(await deadLetters()).toEqual([
      {
        id: "0",
        queue: QUEUE,
        reason: expect.stringContaining(reason),
        body,
        attempts: 3,
        first_seen: "2026-01-02T03:04:05.006Z",
      },
    ]);
  });

  it("has a message delivered again whose driver does not start; the others are not concerned", async () => {
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

  it("has a message delivered again that cannot be recorded as a dead letter", async () => {
    vi.spyOn(env.PAYLOADS, "put").mockRejectedValue(new Error("put: internal error (10001)"));
    expect(await consume(async () => undefined, ["garbage"])).toEqual({ acked: [], retried: ["0"] });
  });
});
