import { beforeAll, describe, expect, it, vi } from "vitest";
import { parseEvents } from "../../src/client/event-stream.ts";
import { taskOf } from "./peach.ts";
import { Stage } from "./stage.ts";

const WAIT = { timeout: 60_000, interval: 20 };

describe("steps, waits and signals on the runtime", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open("steps");
    return () => stage.close();
  });

  function told(run: string, event: string, times: number): Promise<void> {
    return vi.waitFor(() => expect(stage.recorder.of(run, event)).toHaveLength(times), WAIT);
  }

  it(
    "a task that was killed in its third of five steps does not do the first two again",
    { timeout: 120_000 },
    async () => {
      const { run_id: runId } = await stage.peach.trigger("five");
      await told(runId, "step", 3);
      await stage.kill();
      await stage.restart();
      const run = await stage.peach.finished(runId, 60_000);
      expect(run.status).toBe("succeeded");
      expect(taskOf(run, "five").attempts.map(({ status }) => status)).toEqual(["lost", "succeeded"]);
      expect(stage.recorder.of(runId, "step").map(({ data }) => data)).toEqual([1, 2, 3, 3, 4, 5]);
      expect(await (await stage.peach.payload(runId, "five")).json()).toEqual(
        [1, 2, 3, 4, 5].map((nth) => ({ nth, bytes: nth === 2 ? 100_000 : 10 })),
      );
    },
  );

  it("a suspended task comes back after everything was killed", { timeout: 180_000 }, async () => {
    const { run_id: runId } = await stage.peach.trigger("parent");
    const waiting = async (): Promise<void> => {
      expect(taskOf(await stage.peach.run(runId), "parent").status).toBe("waiting");
    };
    await vi.waitFor(waiting, WAIT);
    const [child] = (await stage.peach.run(runId)).children;
    await stage.kill();
    await stage.restart();
    await waiting();
    await vi.waitFor(() => expect(stage.recorder.of(child?.run_id ?? "", "start").length).toBeGreaterThan(1), WAIT);
    await waiting();
    await stage.recorder.openOnceReached("child");
    const run = await stage.peach.finished(runId, 90_000);
    expect(run.status).toBe("succeeded");
    expect(taskOf(run, "parent").attempts.map(({ status }) => status)).toEqual(["suspended", "succeeded"]);
    expect(stage.recorder.of(runId, "before")).toHaveLength(1);
    expect(stage.recorder.of(runId, "after")).toHaveLength(1);
    expect(await (await stage.peach.payload(runId, "parent")).json()).toEqual({
      child: child?.run_id,
      status: "succeeded",
    });
  });

  it.each(["endless", "endless_long"])(
    "streams what %s does, and tells it that it was cancelled",
    { timeout: 60_000 },
    async (task) => {
      const { run_id: runId } = await stage.peach.trigger(task);
      const answer = await stage.peach.call(`/api/v1/runs/${runId}/events`);
      if (answer.body === null) throw new Error("no stream");
      const heard: string[] = [];
      let cancelledAt = 0;
      for await (const { event, data } of parseEvents(answer.body)) {
        if (data !== null) heard.push(event);
        if (cancelledAt > 0 || !(heard.includes("progress") && heard.includes("log"))) continue;
        cancelledAt = Date.now();
        expect((await stage.peach.call(`/api/v1/runs/${runId}/cancel`, { method: "POST" })).status).toBe(200);
      }
      expect(heard[0]).toBe("run");
      expect(heard.at(-1)).toBe("end");
      await told(runId, "told", 1);
      const [report] = stage.recorder.of(runId, "told");
      expect(report?.data).toContain("the run was cancelled");
      console.log(`${task} was told ${(report?.at ?? 0) - cancelledAt} ms after it was cancelled`);
    },
  );
});
