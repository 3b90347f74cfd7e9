import { beforeAll, describe, expect, it, vi } from "vitest";
import { TELLS_MEMORY } from "../../scripts/resident-memory.ts";
import { WorkerMemory } from "./memory.ts";
import { taskOf } from "./peach.ts";
import { Stage } from "./stage.ts";

const MEGABYTE = 1_000_000;
/** It takes seconds; but each runtime beside it, and whatever else the machine does, makes it longer. */
const LIMIT_MS = 240_000;
const MOST = 10_000;

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open("each");
  return () => stage.close();
});

const UNTOLD = "this machine does not tell what a process holds";

/** The run's end, and the most that was alive in the worker till then; null where the machine does not tell. */
async function watched(runId: string): Promise<number | null> {
  if (!TELLS_MEMORY) return stage.peach.finished(runId, LIMIT_MS).then(() => null);
  const memory = await WorkerMemory.open(stage.runtime);
  let most = 0;
  let nextLookAt = 0;
  await vi.waitFor(
    async () => {
      if (performance.now() >= nextLookAt) {
        const lookedAt = performance.now();
        most = Math.max(most, await memory.live());
        // A look is a garbage collection, in which nothing else goes on: the run has most of the time.
        nextLookAt = performance.now() + 4 * (performance.now() - lookedAt);
      }
      expect((await stage.peach.run(runId)).finished_at).not.toBeNull();
    },
    { timeout: LIMIT_MS, interval: 100 },
  );
  memory.close();
  return most;
}

describe("a task that runs once per item", () => {
  //   spread ──▶ item ×n ──▶ again ×n ──▶ joined
  it.for([0, 1, 2, 1_000, MOST])(
    "a task that runs once per item over %i items runs each once, the join once, in order, and never holds all of them in memory",
    { timeout: LIMIT_MS },
    async (count, { skip }) => {
      const { run_id } = await stage.peach.trigger("spread", { count });
      const most = await watched(run_id);
      const run = await stage.peach.run(run_id);
      expect(run.tasks.map(({ task, status, attempts }) => [task, status, attempts.length])).toEqual([
        ["spread", "succeeded", 1],
        ["item", "succeeded", count === 0 ? 0 : 1],
        ["again", "succeeded", count === 0 ? 0 : 1],
        ["joined", "succeeded", 1],
      ]);
      for (const task of ["item", "again"])
        expect(taskOf(run, task).each).toEqual({ total: count, succeeded: count, failed: 0, running: 0 });
      expect(stage.recorder.of(run_id, "joined").map(({ data }) => data)).toEqual([
        { length: count, first: count === 0 ? 0 : 2, inOrder: true },
      ]);
      console.log(
        `${count} items twice: ${run.duration_ms} ms, at most ${((most ?? 0) / MEGABYTE).toFixed(0)} MB alive in the worker`,
      );
      if (most === null) skip(UNTOLD);
      expect(most).toBeLessThan(128 * MEGABYTE);
    },
  );

  it(
    "a task that runs once per item reads the items of an array of 10 MB one by one",
    { timeout: LIMIT_MS },
    async ({ skip }) => {
      const { run_id } = await stage.peach.trigger("large", { count: MOST });
      const most = await watched(run_id);
      expect(stage.recorder.of(run_id, "joined").map(({ data }) => data)).toEqual([
        { length: MOST, first: 0, inOrder: true },
      ]);
      console.log(`10 MB in ${MOST} items: at most ${((most ?? 0) / MEGABYTE).toFixed(0)} MB alive in the worker`);
      if (most === null) skip(UNTOLD);
      expect(most).toBeLessThan(128 * MEGABYTE);
    },
  );

  it("a task that runs once per item refuses more items than the most", async () => {
    const { run_id } = await stage.peach.trigger("spread", { count: MOST + 1 });
    const run = await stage.peach.finished(run_id, LIMIT_MS);
    expect(taskOf(run, "item")).toMatchObject({ status: "failed", reason: "too_many_items", attempts: [] });
  });

  it(
    "a task that runs once per item goes on when the runtime is killed in the middle, with what has ended",
    { timeout: LIMIT_MS },
    async () => {
      const count = 120;
      const { run_id } = await stage.peach.trigger(
        "slow",
        Array.from({ length: count }, (_, n) => n),
      );
      const ended = (): number => new Set(stage.recorder.of(run_id, "end").map(({ data }) => data)).size;
      await vi.waitFor(() => expect(ended()).toBeGreaterThan(30), { timeout: LIMIT_MS, interval: 20 });
      const shown = taskOf(await stage.peach.run(run_id), "slow").each?.succeeded ?? 0;
      await stage.kill();
      await stage.restart();
      const run = await stage.peach.finished(run_id, LIMIT_MS);
      expect(taskOf(run, "slow")).toMatchObject({ status: "succeeded", each: { total: count, succeeded: count } });
      expect(stage.recorder.of(run_id, "joined").map(({ data }) => data)).toEqual([
        { length: count, first: 0, inOrder: true },
      ]);
      expect(ended()).toBe(count);
      // What was accepted is not done again.
      expect(stage.recorder.of(run_id, "end").length).toBeLessThanOrEqual(count + count - shown);
    },
  );
});
