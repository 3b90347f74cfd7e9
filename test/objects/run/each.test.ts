import { describe, expect, it } from "vitest";
import { plan } from "#generated/plan";
import { callsOf } from "../../support/pool/pipelines/mapping.ts";
import { nextCall } from "../../support/pool/pipelines/scripted.ts";
import { acceptance, HandDrivenRun } from "../../support/hand-driven.ts";
import { NonRetryableError } from "../../../src/task-helpers.ts";

/** A run that the pool's own drivers work on. */
async function started(root: string, payload: unknown): Promise<HandDrivenRun> {
  return (await HandDrivenRun.accept(acceptance(plan, root, { payload, claim: null }))).run;
}

async function valueOf(run: HandDrivenRun, task: string): Promise<unknown> {
  const payload = await run.call((object) => object.payload(task));
  return payload?.at === "inline" ? JSON.parse(new TextDecoder().decode(payload.bytes)) : payload;
}

const numbers = (count: number, by: number): number[] => Array.from({ length: count }, (_, n) => n * by);

describe("a task with `each`", () => {
  it.each([0, 1, 2, 7, 1_000])(
    "a task with `each` over %i items: each once, the join once, in order",
    { timeout: 60_000 },
    async (count) => {
      const run = await started("spread", { count });
      const { status, tasks } = await run.final();
      expect(status).toBe("succeeded");
      expect(tasks.filter(({ each }) => each !== undefined).map(({ task, each }) => [task, each])).toEqual(
        ["tenfold", "again"].map((task) => [task, { total: count, succeeded: count, failed: 0, running: 0 }]),
      );
      expect(await valueOf(run, "tenfold")).toEqual(numbers(count, 10));
      expect(await valueOf(run, "again")).toEqual(numbers(count, 100));
      expect(await valueOf(run, "collected")).toEqual(numbers(count, 100));
      expect(callsOf(run.id, "collected", null)).toBe(1);
      for (const task of ["tenfold", "again"])
        expect(numbers(count, 1).filter((index) => callsOf(run.id, task, index) !== 1)).toEqual([]);
    },
  );

  it("a task with `each` runs as the root over what the trigger carried", async () => {
    const run = await started("tenfold", [3, "text", null, { a: [1] }]);
    await run.final();
    expect(await valueOf(run, "again")).toEqual([300, "text", null, { a: [1] }]);
  });

  it("a task with `each` fails with a reason of its own if that is no array", async () => {
    const run = await started("tenfold", { items: [1] });
    const { status, tasks } = await run.final();
    expect(status).toBe("failed");
    expect(tasks[0]).toMatchObject({ status: "failed", reason: "not_an_array", attempts: [] });
    expect(tasks[1]).toMatchObject({ status: "skipped" });
  });

  it("a task with `each` fails with an item that passes bytes, and says so", async () => {
    const run = await started("tenfold", ["bytes"]);
    const { tasks } = await run.final();
    expect(tasks[0]).toMatchObject({ status: "failed", reason: "item_failed", each: { failed: 1 } });
    const page = await run.call((object) => object.items("tenfold", { status: "failed", from: 0, limit: 5 }));
    expect(page?.items[0]?.attempts[0]?.error?.message).toMatch(/^Item 0 of "tenfold" passes bytes/);
  });

  it("a task with `each` goes on without what fails, where `on_error` says so: null stands for it, there and in the items that follow", async () => {
    const run = await started("again", [1, "fail", 3]);
    const { status, tasks } = await run.final();
    expect(status).toBe("succeeded");
    expect(tasks[0]?.each).toEqual({ total: 3, succeeded: 2, failed: 1, running: 0 });
    expect(await valueOf(run, "collected")).toEqual([10, null, 30]);
  });

  it("a task with `each` triggers child runs of its own in each item", async () => {
    const run = await started("tenfold", ["trigger", "trigger"]);
    const { children } = await run.final();
    expect(new Set(children.map(({ run_id: id }) => id)).size).toBe(2);
  });

  it(
    "a task with `each` keeps large payloads in R2, each item's and the array of them, and deletes them with the run",
    { timeout: 60_000 },
    async () => {
      const run = await started("spread", { count: 30, pad: 40_000 });
      const { tasks } = await run.final();
      expect(tasks.map(({ status }) => status)).toEqual(Array(4).fill("succeeded"));
      const array = await run.call((object) => object.payload("collected"));
      expect(array).toMatchObject({ at: "r2", kind: "json", length: 30 });
      const page = await run.call((object) => object.items("again", { status: null, from: 28, limit: 5 }));
      expect(page?.items.map(({ index, output }) => [index, (output?.size ?? 0) > 40_000])).toEqual([
        [28, true],
        [29, true],
      ]);
    },
  );

  it("a task with `each` runs in executor objects where its timeout asks for them", { timeout: 60_000 }, async () => {
    const run = await started("long_items", numbers(5, 1));
    const { status } = await run.final();
    expect(status).toBe("succeeded");
    expect(await valueOf(run, "long_items")).toEqual(numbers(5, 10));
  });
});

describe("items", () => {
  it("items are at most `max_parallel` at a time, are tried again by the task's policy, and can be read one by one", async () => {
    const run = await started("by_hand", ["a", "b", "c"]);
    const [first, second] = [await nextCall(run.id), await nextCall(run.id)];
    expect([first, second].map(({ task, payload }) => [task.item, payload])).toEqual([
      [{ index: 0, total: 3 }, "a"],
      [{ index: 1, total: 3 }, "b"],
    ]);
    expect((await run.document()).tasks[0]).toMatchObject({ status: "running", each: { total: 3, running: 2 } });
    first.fail(new Error("once"));
    const retried = await nextCall(run.id);
    expect(retried.task).toMatchObject({ item: { index: 0 }, attempt: 2 });
    retried.succeed("A");
    const third = await nextCall(run.id);
    expect(third.task.item?.index).toBe(2);
    third.fail(new NonRetryableError("for good"));
    second.succeed("B");
    expect((await run.final()).tasks[0]).toMatchObject({ status: "failed", reason: "item_failed" });
    const page = await run.call((object) => object.items("by_hand", { status: null, from: 0, limit: 10 }));
    expect(page?.items.map(({ status, attempts }) => [status, attempts.map((attempt) => attempt.status)])).toEqual([
      ["succeeded", ["failed", "succeeded"]],
      ["succeeded", ["succeeded"]],
      ["failed", ["failed"]],
    ]);
  });

  it("items that failed run again with a retry in place, and only they", async () => {
    const run = await started("by_hand", ["a", "b", "c"]);
    (await nextCall(run.id)).succeed("A");
    (await nextCall(run.id)).succeed("B");
    (await nextCall(run.id)).fail(new NonRetryableError("for now"));
    expect((await run.final()).status).toBe("failed");
    await run.call((object) => object.retry());
    const again = await nextCall(run.id);
    expect(again.task).toMatchObject({ item: { index: 2, total: 3 }, attempt: 2 });
    again.succeed("C");
    expect((await run.final()).status).toBe("succeeded");
    expect(await valueOf(run, "collected_by_hand")).toEqual(["A", "B", "C"]);
    expect(callsOf(run.id, "collected_by_hand", null)).toBe(1);
  });

  it("items are what they were after the object has lost its memory", async () => {
    const run = await started("by_hand", ["a", "b", "c"]);
    (await nextCall(run.id)).succeed("A");
    const second = await nextCall(run.id);
    await run.evict();
    second.succeed("B");
    (await nextCall(run.id)).succeed("C");
    expect((await run.final()).status).toBe("succeeded");
    expect(await valueOf(run, "by_hand")).toEqual(["A", "B", "C"]);
  });

  it("items end with a run that is cancelled", async () => {
    const run = await started("by_hand", ["a", "b", "c"]);
    const call = await nextCall(run.id);
    await nextCall(run.id);
    await run.call((object) => object.cancel());
    expect((await run.document()).tasks[0]).toMatchObject({ status: "cancelled", each: { total: 3, running: 0 } });
    const page = await run.call((object) => object.items("by_hand", { status: "cancelled", from: 0, limit: 10 }));
    expect(page?.items).toHaveLength(3);
    call.succeed("late");
  });
});
