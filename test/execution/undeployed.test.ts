import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { env } from "../support/env.ts";
import { driveRun } from "../support/deployed.ts";
import { acceptance, HandDrivenRun } from "../support/hand-driven.ts";
import { loseMessages } from "../support/lost-messages.ts";
import { planOf, taskPlan } from "../support/plan.ts";

const START = Date.UTC(2027, 0, 1, 12);
const DAY = 86_400_000;

beforeEach(() => {
  vi.setSystemTime(START);
  loseMessages();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A run of one task with this method, which drivers of this test come for. */
async function runOf(method: string): Promise<HandDrivenRun> {
  const plan = planOf([taskPlan("only", { method, retries: { ...taskPlan("only").retries, limit: 0 } })]);
  return (await HandDrivenRun.accept(acceptance(plan, "only", { claim: null }))).run;
}

function drive({ id }: HandDrivenRun): Promise<void> {
  return driveRun(env, id, { sentAt: Date.now(), onClaimed: () => undefined });
}

it("a real driver gives a method back that its code lacks, and says in the run's document what is waited for", async () => {
  const run = await runOf("of_the_next_version");
  await drive(run);
  expect((await run.document()).tasks[0]).toMatchObject({
    status: "queued",
    attempts: [{ status: "lost", error: { name: "MethodMissingError" } }],
    waiting_for: {
      for: "deploy",
      method: "of_the_next_version",
      since: new Date(START).toISOString(),
      until: new Date(START + DAY).toISOString(),
    },
  });
  // The same deployment comes again, and is given nothing.
  const journal = await run.journal();
  await drive(run);
  expect(await run.journal()).toEqual(journal);
});

it("a real driver finds a method that is exported, and that peach.conf does not name", async () => {
  const run = await runOf("unnamed");
  await drive(run);
  expect((await run.document()).tasks[0]).toMatchObject({ status: "succeeded", attempts: [{ attempt: 1 }] });
});

it("a waiting run costs two rows each time it looks for a deploy", async () => {
  const run = await runOf("of_the_next_version");
  await drive(run);
  const before = (await run.journal()).length;
  for (let time = 1; time <= 5; time += 1) {
    vi.setSystemTime((await run.alarmAt()) ?? 0);
    await run.wake();
    // One entry, and the alarm.
    expect((await run.journal()).length).toBe(before + time);
  }
});
