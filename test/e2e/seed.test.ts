import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { taskOf } from "./peach.ts";
import { Stage } from "./stage.ts";

const triggered = z.object({ runs: z.array(z.object({ run_id: z.string(), task: z.string() })) });

describe("the examples of the seed", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open("seed");
    return () => stage.close();
  });

  it("the examples of the seed trigger a task from inside another task", async () => {
    const { run_id } = await stage.peach.trigger("nightly");
    const parent = await stage.peach.finished(run_id);
    expect(parent).toMatchObject({ status: "succeeded", children: [{ task: "collaborative_filtering" }] });

    const child = await stage.peach.finished(parent.children[0]?.run_id ?? "");
    expect(child).toMatchObject({
      status: "succeeded",
      trigger: { source: "task", by: "nightly", parent: { run_id, task: "nightly" } },
    });
    expect(stage.recorder.reports("filtered")).toMatchObject([
      { run: child.run_id, attempt: 1, data: { key1: "value1", key2: "value2" } },
    ]);
  });

  it("the examples of the seed trigger a task from a webhook", async () => {
    const answer = await fetch(`${stage.peach.url}/audio_transcription_webhook`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ s3_uri: "s3://bucket/key", language: "en" }),
    });
    expect(answer.status).toBe(202);
    const { runs } = triggered.parse(await answer.json());
    expect(runs).toMatchObject([{ task: "audio_transcription" }]);

    const run = await stage.peach.finished(runs[0]?.run_id ?? "");
    expect(run).toMatchObject({
      status: "succeeded",
      trigger: { source: "endpoint", by: "audio_transcription_webhook", parent: null },
    });
    expect(stage.recorder.reports("transcribed")).toMatchObject([
      { run: run.run_id, attempt: 1, data: { s3_uri: "s3://bucket/key", language: "en" } },
    ]);
  });

  it("the examples of the seed pass a JSON string from one task to two, which parse it", async () => {
    //   task1 ─┬─▶ task2
    //          └─▶ task3
    const { run_id } = await stage.peach.trigger("task1");
    const run = await stage.peach.finished(run_id);

    expect(run.tasks).toMatchObject([
      { task: "task1", status: "succeeded", downstream: ["task2", "task3"], output: { kind: "text" } },
      { task: "task2", status: "succeeded", upstream: ["task1"] },
      { task: "task3", status: "succeeded", upstream: ["task1"] },
    ]);
    expect(taskOf(run, "task2").attempts).toHaveLength(1);
    const payload = '{"key1":"value1","key2":"value2"}';
    expect(stage.recorder.of(run_id, "received", "task2")).toMatchObject([{ data: { payload, key1: "value1" } }]);
    expect(stage.recorder.of(run_id, "received", "task3")).toMatchObject([{ data: { payload, key2: "value2" } }]);

    const passed = await stage.peach.payload(run_id, "task1");
    expect(passed.headers.get("Content-Type")).toBe("text/plain; charset=utf-8");
    expect(await passed.text()).toBe(payload);
  });
});
