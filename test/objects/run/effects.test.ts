import { env } from "../../support/env.ts";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { RunId } from "../../../src/domain/ids.ts";
import { dispatchRun } from "../../../src/objects/run/effects.ts";
import { newRunId } from "../../support/hand-driven.ts";

afterEach(() => {
  vi.useRealTimers();
});

/** A queue whose calls end when the test says. `sent`: the runs of each call. */
function slowQueue() {
  const sent: RunId[][] = [];
  const ends: (() => void)[] = [];
  const taken = (runs: RunId[]): Promise<void> => {
    sent.push(runs);
    return new Promise((resolve) => ends.push(resolve));
  };
  const queue = {
    sendBatch: (messages: Iterable<{ body: { run_id: RunId } }>) =>
      taken(Array.from(messages, ({ body }) => body.run_id)),
  };
  return {
    sent,
    endNext: () => ends.shift()?.(),
    env: { ...env, RUN_QUEUE: Object.assign(Object.create(env.RUN_QUEUE), queue) },
  };
}

describe("messages of runs", () => {
  it("messages of runs that come while one is being sent go together with the next call", async () => {
    const queue = slowQueue();
    const [first, second, third] = [newRunId(), newRunId(), newRunId()];
    const sending = dispatchRun(queue.env, first, 1);
    // Theirs is done by whoever sends.
    await Promise.all([dispatchRun(queue.env, second, 1), dispatchRun(queue.env, third, 2)]);
    expect(queue.sent).toEqual([[first]]);
    queue.endNext();
    await vi.waitFor(() => expect(queue.sent).toEqual([[first], [second, third, third]]), 10_000);
    queue.endNext();
    await sending;
    const later = dispatchRun(queue.env, second, 1);
    expect(queue.sent).toHaveLength(3);
    queue.endNext();
    await later;
  });

  it("messages of runs are at most a hundred a call", async () => {
    const queue = slowQueue();
    const [first, ...others] = Array.from({ length: 103 }, newRunId);
    const sending = dispatchRun(queue.env, first ?? newRunId(), 1);
    for (const run of others) await dispatchRun(queue.env, run, 1);
    for (const calls of [1, 2, 3]) {
      await vi.waitFor(() => expect(queue.sent).toHaveLength(calls), 10_000);
      queue.endNext();
    }
    await sending;
    expect(queue.sent.map(({ length }) => length)).toEqual([1, 100, 2]);
  });

  it("messages of runs do not wait for a call that does not end: the run that made it may have been reset", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const stuck = slowQueue();
    const [first, second, third] = [newRunId(), newRunId(), newRunId()];
    void dispatchRun(stuck.env, first, 1);
    await dispatchRun(stuck.env, second, 1);
    vi.setSystemTime(Date.now() + 1_001);
    const queue = slowQueue();
    const sending = dispatchRun(queue.env, third, 1);
    expect(queue.sent).toEqual([[second, third]]);
    queue.endNext();
    await sending;
    stuck.endNext();
  });
});
