import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { taskOf } from "./peach.ts";
import { Stage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open("steering");
  return () => stage.close();
});

const replayed = z.object({ run_id: z.string(), replay_of: z.object({ run_id: z.string(), from: z.string() }) });

/** The tasks of the run that were executed, in order, each as often as it was. */
function executed(runId: string): string[] {
  return stage.recorder.of(runId, "read").map(({ task }) => task);
}

function post(path: string): Promise<Response> {
  return stage.peach.call(path, { method: "POST" });
}

describe("a run of seven tasks that has failed at the fifth", () => {
  it("a run of seven tasks that has failed at the fifth runs 5, 6 and 7 when it is retried, and nothing else, also after a power cut", async () => {
    const { run_id } = await stage.peach.trigger("t1");
    expect((await stage.peach.finished(run_id)).status).toBe("failed");
    expect(executed(run_id)).toEqual(["t1", "t2", "t3", "t4", "t5"]);
    await stage.kill();
    await stage.restart();
    const answers = await Promise.all([post(`/api/v1/runs/${run_id}/retry`), post(`/api/v1/runs/${run_id}/retry`)]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
    const run = await stage.peach.finished(run_id);
    expect(run.status).toBe("succeeded");
    expect(executed(run_id).slice(5)).toEqual(["t5", "t6", "t7"]);
    expect(taskOf(run, "t5").attempts.map(({ status }) => status)).toEqual(["failed", "succeeded"]);
    expect(await (await stage.peach.payload(run_id, "t7")).text()).toBe('t7 after "t6 after \\"mended\\""');
  });

  it("a run of seven tasks that has failed at the fifth runs 3 to 7 when it is replayed from 3, which reads what it read then, byte for byte", async () => {
    const { run_id } = await stage.peach.trigger("t1");
    await stage.peach.finished(run_id);
    const answer = await post(`/api/v1/runs/${run_id}/replay?from=t3`);
    expect(answer.status).toBe(202);
    const { run_id: again, replay_of } = replayed.parse(await answer.json());
    expect(replay_of).toEqual({ run_id, from: "t3" });
    await stage.peach.finished(again);
    // Of the new run, the fifth task fails at its first attempt too.
    expect(executed(again)).toEqual(["t3", "t4", "t5"]);
    expect(stage.recorder.of(again, "read", "t3")).toMatchObject([{ data: "bytes 0 255 10 13 128" }]);
    await post(`/api/v1/runs/${again}/retry`);
    const run = await stage.peach.finished(again);
    expect(run).toMatchObject({ status: "succeeded", trigger: { source: "replay" } });
    expect(executed(again)).toEqual(["t3", "t4", "t5", "t5", "t6", "t7"]);
  });
});

describe("an external task", () => {
  it("an external task waits across a power cut, and is completed once by its URL, without a token", async () => {
    const { run_id } = await stage.peach.trigger("approve");
    await expect
      .poll(async () => taskOf(await stage.peach.run(run_id), "approve").status, { timeout: 20_000 })
      .toBe("waiting");
    await stage.kill();
    await stage.restart();
    const asked = new URL(z.string().parse(stage.recorder.of(run_id, "asked")[0]?.data));
    // The runtime has another port now.
    const url = stage.peach.url + asked.pathname;
    const complete = (): Promise<Response> =>
      fetch(url, { method: "POST", body: JSON.stringify({ status: "succeeded", payload: { by: "a person" } }) });
    const answers = [await complete(), await complete()];
    expect(answers.map(({ status }) => status)).toEqual([200, 409]);
    expect((await stage.peach.finished(run_id)).status).toBe("succeeded");
    expect(stage.recorder.of(run_id, "read")).toMatchObject([{ task: "approved", data: '{"by":"a person"}' }]);
  });
});

describe("a run that fails", () => {
  it("a run that fails is told to the task of on_failure, once", async () => {
    const { run_id } = await stage.peach.trigger("t5");
    await stage.peach.finished(run_id);
    const told = (): string[] =>
      stage.recorder
        .reports("read")
        .flatMap(({ task, data }) => (task === "told" && String(data).includes(run_id) ? [String(data)] : []));
    await expect.poll(told, { timeout: 20_000 }).toHaveLength(1);
    expect(JSON.parse(told()[0] ?? "")).toMatchObject({
      run_id,
      task: "t5",
      status: "failed",
      failed_tasks: [{ task: "t5", reason: "error", attempts: 1, error: { message: "broken" } }],
    });
  });
});

describe("a run that is cancelled with its children", () => {
  it("a run that is cancelled with its children takes the run with it that it awaits", async () => {
    const { run_id } = await stage.peach.trigger("parent");
    const childId = async (): Promise<string | undefined> => (await stage.peach.run(run_id)).children[0]?.run_id;
    await expect.poll(childId, { timeout: 20_000 }).toBeDefined();
    expect((await post(`/api/v1/runs/${run_id}/cancel?children=true`)).status).toBe(200);
    expect((await stage.peach.finished((await childId()) ?? "")).status).toBe("cancelled");
  });
});

describe("a payload and many runs", () => {
  it("a payload is answered in part on the runtime too, from R2; and a filter finds the runs to be cancelled", async () => {
    const text = "0123456789".repeat(20_000);
    const { run_id } = await stage.peach.triggerBody("t7", text, { contentType: "text/plain" });
    await stage.peach.finished(run_id);
    const part = await stage.peach.call(`/api/v1/runs/${run_id}/payload`, {
      headers: { Range: "bytes=100003-100006" },
    });
    expect([part.status, part.headers.get("Content-Range"), await part.text()]).toEqual([
      206,
      "bytes 100003-100006/200000",
      "3456",
    ]);

    const waiting = (await stage.peach.trigger("approve")).run_id;
    const found = z.object({
      changed: z.number(),
      runs: z.array(z.object({ run_id: z.string(), result: z.string() })),
    });
    const bulk = async (query: string): Promise<z.infer<typeof found>> =>
      found.parse(await (await post(`/api/v1/runs/cancel?task=approve&status=queued,running${query}`)).json());
    await expect
      .poll(async () => (await bulk("&dry_run=true")).runs, { timeout: 20_000 })
      .toMatchObject([{ run_id: waiting, result: "cancelled" }]);
    expect((await stage.peach.run(waiting)).status).not.toBe("cancelled");
    expect((await bulk("")).changed).toBe(1);
    expect((await stage.peach.run(waiting)).status).toBe("cancelled");
  });
});
