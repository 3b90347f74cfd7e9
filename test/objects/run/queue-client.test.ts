import { afterEach, describe, expect, it, vi } from "vitest";
import { QueueWatch, type QueueBacklog } from "../../../src/objects/run/queue-client.ts";

const NOW = 1_000_000;

function backlog(count: number, oldestAt?: number): QueueBacklog {
  return { backlogCount: count, ...(oldestAt !== undefined && { oldestMessageTimestamp: new Date(oldestAt) }) };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("what an isolate knows of the run queue", () => {
  it("what an isolate knows of the run queue is nothing at first, and nothing again when it is five seconds old", () => {
    const watch = new QueueWatch();
    expect(watch.progress(NOW)).toBeNull();
    watch.told(backlog(0), NOW);
    expect(watch.progress(NOW + 5_000)).toEqual({ deliveredUntil: NOW, lagMs: 0 });
    expect(watch.progress(NOW + 5_001)).toBeNull();
    expect(watch.progress(NOW - 5_001)).toBeNull();
  });

  it("what an isolate knows of the run queue comes from the oldest message that waits", () => {
    const watch = new QueueWatch();
    watch.told(backlog(7, NOW - 30_000), NOW);
    expect(watch.progress(NOW)).toEqual({ deliveredUntil: NOW - 30_000, lagMs: 30_000, waiting: 7 });
  });

  it("what an isolate knows of the run queue is nothing where the queue does not say how old its messages are", () => {
    const watch = new QueueWatch();
    watch.told(backlog(7), NOW);
    watch.told(backlog(7, 0), NOW);
    expect(watch.progress(NOW)).toBeNull();
  });

  it("what an isolate knows of the run queue comes from the newest message that was received; one that is delivered again says nothing", () => {
    const watch = new QueueWatch();
    watch.received(NOW - 3_000, NOW);
    watch.received(NOW - 60_000, NOW + 1);
    expect(watch.progress(NOW + 1)).toEqual({ deliveredUntil: NOW - 3_000, lagMs: 3_000 });
  });

  it("what an isolate knows of the run queue is asked for if it is older than a second, and by one at a time", async () => {
    const watch = new QueueWatch();
    const read = vi.fn(async () => backlog(3, NOW - 9_000));
    const { promise, resolve } = Promise.withResolvers<QueueBacklog>();
    expect(watch.isStale(NOW)).toBe(true);
    const asking = watch.ask(
      () => promise,
      () => NOW,
    );
    expect(watch.isStale(NOW)).toBe(false);
    resolve(backlog(3, NOW - 9_000));
    expect(await asking).toEqual({ deliveredUntil: NOW - 9_000, lagMs: 9_000, waiting: 3 });
    await watch.ask(read, () => NOW + 1_000);
    expect(read).not.toHaveBeenCalled();
    await watch.ask(read, () => NOW + 1_001);
    expect(read).toHaveBeenCalledOnce();
  });

  it.each<[string, () => Promise<QueueBacklog>]>([
    ["refuses", () => Promise.reject(new Error("no metrics"))],
    ["never answers", () => new Promise(() => undefined)],
  ])("what an isolate knows of the run queue is nothing if the queue %s", async (_, read) => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    expect(await new QueueWatch(5).ask(read, () => NOW)).toBeNull();
  });
});
