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
  it("runs 5, 6 and 7 when it is retried, and nothing else, also after a power cut", async () => {
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

  it("runs 3 to 7 when it is replayed from 3, which reads what it read then, byte for byte", async () => {
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
