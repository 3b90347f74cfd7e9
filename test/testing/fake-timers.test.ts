/** Tests that have fake timers of their own: the clock of a task is that of its world all the same. */
import { mock } from "node:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { testPipeline, WaitingOutsideError } from "peach/testing";

const NOW = "2026-11-29T10:00:00Z";
const CONF = "tasks:\n  wait: {method: wait}\n";

/** A task that sleeps, and says the time. */
async function wait(): Promise<string> {
  // oxlint-disable-next-line no-restricted-globals
  await new Promise((resolve) => void setTimeout(resolve, 500));
  return new Date().toISOString();
}

afterEach(() => {
  vi.useRealTimers();
  mock.timers.reset();
});

const WAYS: readonly (readonly [name: string, begin: () => void])[] = [
  ["vi.useFakeTimers", () => void vi.useFakeTimers({ now: 1_000 })],
  ["mock.timers", () => mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000 })],
];

describe("a pipeline under fake timers", () => {
  it.each(WAYS)("a pipeline under %s has the clock of its world, and the test keeps its own", async (_, begin) => {
    const before = await testPipeline({ now: NOW, conf: CONF, pipelines: { wait } });
    begin();
    const later = await testPipeline({ now: NOW, conf: CONF, pipelines: { wait } });
    for (const peach of [before, later]) {
      const run = await peach.trigger("wait");
      expect(run.status).toBe("running");
      await peach.advance("1s");
      expect(run.task("wait").passed).toBe("2026-11-29T10:00:00.500Z");
    }
    expect(Date.now()).toBe(1_000);
  });

  it.each(WAYS)("a pipeline has the clock of its world also when %s is over", async (_, begin) => {
    begin();
    const peach = await testPipeline({ now: NOW, conf: CONF, pipelines: { wait } });
    vi.useRealTimers();
    mock.timers.reset();
    const run = await peach.trigger("wait");
    await peach.advance("1s");
    expect(run.task("wait").passed).toBe("2026-11-29T10:00:00.500Z");
  });

  it.each(WAYS)("a task under %s that never ends is named when the patience is over", async (_, begin) => {
    const pipelines = { wait: () => Promise.withResolvers<void>().promise };
    begin();
    const peach = await testPipeline({ now: NOW, conf: CONF, pipelines, patience: "50ms" });
    await expect(peach.trigger("wait")).rejects.toThrow(WaitingOutsideError);
  });
});
