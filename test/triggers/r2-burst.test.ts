import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "../support/env.ts";
import { expect, it } from "vitest";
import { callRun } from "../../src/objects/run/run-client.ts";
import type { AcceptTrigger } from "../../src/triggers/accept.ts";
import { runIdFor } from "../../src/triggers/run-id.ts";
import { consumeR2Events } from "../../src/triggers/r2-events.ts";
import { versionKeyOf, type R2Notification } from "../../src/triggers/r2-notification.ts";
import { acceptorOf } from "../support/edge.ts";
import { IS_LONG } from "../support/long.ts";
import { loseMessages } from "../support/lost-messages.ts";
import { planOf, r2Rule, taskPlan } from "../support/plan.ts";

const OBJECTS = IS_LONG ? 5_000 : 1_000;
/** As wrangler.toml has it, and as many consumers side by side as the test can use. */
const BATCH = 10;
const CONSUMERS = 4;

it(`a burst of ${OBJECTS} notifications, some of them twice, is ${OBJECTS} runs`, { timeout: 400_000 }, async () => {
  loseMessages();
  const plan = planOf([taskPlan("echo", { on: { r2: [r2Rule({ prefix: "burst/" })] } })]);
  const started: string[] = [];
  const acceptTrigger: AcceptTrigger = async (...trigger) => {
    const answer = await acceptorOf(plan)(...trigger);
    if (answer.ok && !answer.value.deduplicated) started.push(answer.value.runId);
    return answer;
  };
  const events = Array.from({ length: OBJECTS }, (_, index): R2Notification => ({
    account: "a",
    action: "PutObject",
    bucket: "uploads",
    object: { key: `burst/${index}`, size: 1, eTag: "e" },
    eventTime: new Date(1_800_000_000_000 + index).toISOString(),
  }));
  // Every tenth comes a second time, near or far from the first.
  const messages = [...events, ...events.filter((_, index) => index % 10 === 0)].toSorted((a, b) =>
    a.object.key.slice(-2) < b.object.key.slice(-2) ? -1 : 1,
  );
  const batches = Array.from({ length: Math.ceil(messages.length / BATCH) }, (_, index) =>
    messages.slice(index * BATCH, (index + 1) * BATCH),
  ).values();
  let acked = 0;
  const consumer = async (): Promise<void> => {
    for (const bodies of batches) {
      const timestamp = new Date();
      const batch = createMessageBatch(
        "peach-r2-events",
        bodies.map((body, id) => ({ id: String(id), timestamp, attempts: 1, body })),
      );
      const ctx = createExecutionContext();
      await consumeR2Events({ plan, acceptTrigger }, batch, env, ctx);
      acked += (await getQueueResult(batch, ctx)).explicitAcks.length;
    }
  };
  await Promise.all(Array.from({ length: CONSUMERS }, consumer));

  expect(acked).toBe(OBJECTS * 1.1);
  expect(started).toHaveLength(OBJECTS);
  const expected = await Promise.all(events.map((event) => runIdFor(env, "echo", versionKeyOf(event))));
  expect(new Set(started)).toEqual(new Set(expected));
  // What was answered is there: looked at here and there, as each look costs as much as a run.
  for (const runId of expected.filter((_, index) => index % 250 === 0))
    expect(await callRun(env, runId, (run) => run.describe())).toMatchObject({ trigger: { source: "r2" } });
});
