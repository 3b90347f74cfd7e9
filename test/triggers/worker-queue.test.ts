/** The worker's own queue handler: which consumer a batch is for, and what that may do. */
import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { callRun } from "../../src/objects/run/run-client.ts";
import { worker } from "../support/deployed.ts";
import { runIdFor } from "../../src/triggers/run-id.ts";
import { versionKeyOf, type R2Notification } from "../../src/triggers/r2-notification.ts";
import { clearDeadLetters, deadLetters } from "../support/dead-letters.ts";
import { newRunId } from "../support/hand-driven.ts";
import { loseMessages } from "../support/lost-messages.ts";

/** Has the worker consume one message of this queue. */
async function consume(queue: string, body: unknown): Promise<readonly string[]> {
  const batch = createMessageBatch(queue, [{ id: "only", timestamp: new Date(), attempts: 1, body }]);
  const ctx = createExecutionContext();
  await worker.queue(batch, env, ctx);
  return (await getQueueResult(batch, ctx)).explicitAcks;
}

/** Of an upload that triggers the pool's task `at_once`, which is dispatched directly. */
function upload(): R2Notification {
  return {
    account: "a",
    action: "PutObject",
    bucket: "uploads",
    object: { key: `at-once/${crypto.randomUUID()}`, size: 1, eTag: "c846ff7a18f28c2e262116d6e8719ef0" },
    eventTime: "2026-05-24T19:36:44.379Z",
  };
}

let lost: ReturnType<typeof loseMessages>;
beforeEach(async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  lost = loseMessages();
  await clearDeadLetters();
});
afterEach(() => {
  lost.stop();
  vi.restoreAllMocks();
});

describe.each(["peach", "staging-peach"])("in a deployment whose queues begin with %s", (prefix) => {
  it("what a queue has given up is a dead letter", async () => {
    expect(await consume(`${prefix}-dead-letters`, { run_id: newRunId() })).toEqual(["only"]);
    expect(await deadLetters()).toMatchObject([{ queue: "peach-runs", reason: "given_up" }]);
  });

  it("an upload starts its run, whose task the consumer leaves to the queue: its batch would wait for it", async () => {
    const event = upload();
    expect(await consume(`${prefix}-r2-events`, event)).toEqual(["only"]);
    const runId = await runIdFor(env, "at_once", versionKeyOf(event));
    const document = await callRun(env, runId, (run) => run.describe());
    expect(document).toMatchObject({ status: "queued", tasks: [{ status: "queued", attempts: [] }] });
    expect(await deadLetters()).toEqual([]);
  });

  it("the message of a run that is not there is acknowledged, and no dead letter", async () => {
    expect(await consume(`${prefix}-runs`, { run_id: newRunId() })).toEqual(["only"]);
    expect(await deadLetters()).toEqual([]);
  });
});
