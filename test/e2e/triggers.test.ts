import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Report } from "./recorder.ts";
import { Stage } from "./stage.ts";

const AT_ONCE = 8;
const triggered = z.array(z.object({ runId: z.string(), deduplicated: z.boolean() }));
const endpointAnswer = z.object({ runs: z.array(z.object({ run_id: z.string(), task: z.string() })) });

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open("triggers");
  return () => stage.close();
});

function starts(run: string): readonly Report[] {
  return stage.recorder.of(run, "start");
}

describe("the same idempotency key", () => {
  it("the same idempotency key 50 times at once starts one run and executes it once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => stage.peach.trigger("counted", { n: 1 }, { idempotencyKey: "same" })),
    );
    const [first] = answers;
    const runId = first?.run_id ?? "";
    expect(new Set(answers.map(({ run_id }) => run_id)).size).toBe(1);
    expect(answers.filter(({ deduplicated }) => !deduplicated)).toHaveLength(1);

    const run = await stage.peach.finished(runId);
    expect(run.tasks[0]?.attempts).toHaveLength(1);
    expect(await (await stage.peach.payload(runId)).json()).toEqual({ n: 1 });
    expect(await (await stage.peach.payload(runId, "counted")).json()).toEqual({ n: 1 });

    const later = await stage.peach.trigger("counted", { n: 1 }, { idempotencyKey: "same" });
    expect(later).toMatchObject({ run_id: runId, deduplicated: true, status: "succeeded" });
    expect(starts(runId)).toHaveLength(1);
  });

  it("the same idempotency key with a payload that goes to R2 starts one run, which has it", async () => {
    const large = "x".repeat(50_000);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => stage.peach.trigger("direct", large, { idempotencyKey: "large" })),
    );
    expect(new Set(answers.map(({ run_id }) => run_id)).size).toBe(1);
    expect(answers.filter(({ deduplicated }) => !deduplicated)).toHaveLength(1);
    const runId = answers[0]?.run_id ?? "";
    await stage.peach.finished(runId);
    expect(await (await stage.peach.payload(runId)).json()).toBe(large);
    expect(await (await stage.peach.payload(runId, "direct")).text()).toBe(large);
    expect(starts(runId)).toHaveLength(1);
  });

  it("the same idempotency key with ten payloads at once starts the run of one of them, which has its own; the others are refused", async () => {
    const send = async (index: number): Promise<readonly [number, number, unknown]> => {
      const answer = await stage.peach.call("/api/v1/tasks/counted/trigger", {
        method: "POST",
        body: JSON.stringify(`${index}`.repeat(50_000)),
        headers: { "Content-Type": "application/json", "Idempotency-Key": "torn" },
      });
      return [index, answer.status, await answer.json()];
    };
    const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => send(index)));
    const [winner, ...others] = answers.filter(([, status]) => status === 202);
    expect(others).toEqual([]);
    for (const [, status, body] of answers)
      if (status !== 202) expect([status, body]).toMatchObject([409, { code: "idempotency_mismatch" }]);
    const { run_id: runId } = z.object({ run_id: z.string() }).parse(winner?.[2]);
    await stage.peach.finished(runId);
    expect(await (await stage.peach.payload(runId, "counted")).text()).toBe(`${winner?.[0]}`.repeat(50_000));
    expect(starts(runId)).toHaveLength(1);
  });

  it("the same idempotency key belongs to its task", async () => {
    const one = await stage.peach.trigger("counted", null, { idempotencyKey: "shared" });
    const other = await stage.peach.trigger("other", null, { idempotencyKey: "shared" });
    expect(other).toMatchObject({ deduplicated: false });
    expect(other.run_id).not.toBe(one.run_id);
  });
});

describe("a task that triggers", () => {
  it("a task that triggers starts each child run once, however often it is attempted, and both sides know each other", async () => {
    const { run_id } = await stage.peach.trigger("parent");
    const run = await stage.peach.finished(run_id);
    expect(run.tasks[0]?.attempts.map(({ status }) => status)).toEqual(["failed", "failed", "succeeded"]);

    const attempts = stage.recorder.of(run_id, "triggered").map(({ data }) => triggered.parse(data));
    expect(attempts).toHaveLength(3);
    const ids = attempts.map((runs) => runs.map(({ runId }) => runId));
    expect(ids[1]).toEqual(ids[0]);
    expect(ids[2]).toEqual(ids[0]);
    expect(new Set(ids[0]).size).toBe(4);
    expect(attempts.map((runs) => runs.map(({ deduplicated }) => deduplicated))).toEqual([
      [false, false, false, false],
      [true, true, true, true],
      [true, true, true, true],
    ]);

    const tasks = ["counted", "counted", "other", "counted"];
    expect(run.children).toEqual(tasks.map((task, index) => ({ run_id: ids[0]?.[index], task })));
    for (const child of run.children) {
      expect(await stage.peach.finished(child.run_id)).toMatchObject({
        status: "succeeded",
        trigger: { source: "task", by: "parent", parent: { run_id, task: "parent" } },
      });
      expect(starts(child.run_id)).toHaveLength(1);
    }
    const [first = ""] = ids[0] ?? [];
    expect(await (await stage.peach.payload(first)).json()).toEqual({ by: "parent" });
  });

  it("a task that triggers can wait for the run that it triggered", async () => {
    const { run_id } = await stage.peach.trigger("patient");
    const run = await stage.peach.finished(run_id);
    const [child] = run.children;
    expect(await (await stage.peach.payload(run_id, "patient")).json()).toEqual({
      runId: child?.run_id,
      status: "succeeded",
      trigger: { source: "task", by: "patient", parent: { run_id, task: "patient" }, replay_of: null },
    });
  });
});

describe("the id of a trigger can be read at once", () => {
  it("the id of a trigger can be read at once when the API has answered, 200 times", async () => {
    const waiting = Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? "counted" : "direct")).values();
    const runIds: string[] = [];
    const lane = async (): Promise<void> => {
      for (const task of waiting) {
        const { run_id, url } = await stage.peach.trigger(task);
        // Rejects unless the answer is 200.
        expect(await stage.peach.run(run_id)).toMatchObject({ run_id, task });
        expect(url).toBe(`${stage.peach.url}/api/v1/runs/${run_id}`);
        runIds.push(run_id);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    expect(runIds).toHaveLength(200);
    for (const runId of runIds) {
      expect(await stage.peach.finished(runId)).toMatchObject({ status: "succeeded" });
      expect(starts(runId)).toHaveLength(1);
    }
  });

  it("the id of a trigger can be read at once when an endpoint has answered", async () => {
    const answer = await fetch(`${stage.peach.url}/start/20`);
    expect(answer.status).toBe(202);
    const { runs } = endpointAnswer.parse(await answer.json());
    expect(runs).toHaveLength(20);
    for (const { run_id, task } of runs) {
      expect(await stage.peach.run(run_id)).toMatchObject({
        run_id,
        task,
        trigger: { source: "endpoint", by: "start_several", parent: null },
      });
    }
  });

  it("the id of a trigger can be read at once when a task has triggered it", async () => {
    const { run_id } = await stage.peach.trigger("spawner");
    const read = new Set<string>();
    await expect
      .poll(
        async () => {
          for (const { data } of stage.recorder.of(run_id, "spawned")) {
            const child = z.string().parse(data);
            if (!read.has(child)) expect(await stage.peach.run(child)).toMatchObject({ run_id: child });
            read.add(child);
          }
          return read.size;
        },
        { timeout: 30_000, interval: 5 },
      )
      .toBe(20);
    const run = await stage.peach.finished(run_id);
    expect(new Set(run.children.map((child) => child.run_id))).toEqual(read);
  });
});

describe("an object that a task writes by the env that it imports", () => {
  it("an object that a task writes by the env that it imports bears the mark of its run", async () => {
    const { run_id } = await stage.peach.trigger("writer");
    await stage.peach.finished(run_id);
    expect(await (await stage.peach.payload(run_id, "writer")).json()).toEqual({ "peach-run": `${run_id}/writer/0` });
  });
});
