import { describe, expect, it } from "vitest";
import { testPipeline } from "peach/testing";
import { passToChildTask, readFromParentTask, triggerTaskWithEvent, log } from "peach/task-helpers";

const DIAMOND = `
tasks:
  a: {method: a, downstream: [b, c]}
  b: {method: b, downstream: d}
  c: {method: c, downstream: d, retries: {limit: 2, delay: 10s, jitter: false}}
  d: {method: d}
`;

describe("testPipeline", () => {
  it("runs a diamond with the real engine", async () => {
    let fails = 1;
    const peach = await testPipeline({
      now: "2026-11-29T10:00:00Z",
      conf: DIAMOND,
      pipelines: {
        a: async (payload: unknown) => {
          log.info("hello", { payload });
          passToChildTask({ from: payload, at: new Date().toISOString() });
        },
        b: async () => ({ b: await readFromParentTask() }),
        c: async () => {
          if (fails-- > 0) throw new Error("not yet");
          return "c";
        },
        d: (payload: unknown) => payload,
      },
    });
    const run = await peach.trigger("a", { n: 1 });
    expect(run.status).toBe("running");
    await peach.advance("10s");
    expect(run.status).toBe("succeeded");
    expect(run.task("d").passed).toEqual({ b: { b: { from: { n: 1 }, at: "2026-11-29T10:00:00.000Z" } }, c: "c" });
  });
});
