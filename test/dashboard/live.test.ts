import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunDocument } from "../../src/contract/run.ts";
import { RunModel } from "../../src/dashboard/live/run-model.ts";
import { openStream } from "../../src/dashboard/live/stream.ts";
import { task } from "./support.ts";

/** A connection of the browser's; the test says what comes over it. */
class Source extends EventTarget {
  static readonly CLOSED = 2;
  static all: Source[] = [];
  readonly url: string;
  readyState = 1;

  constructor(url: string) {
    super();
    this.url = url;
    Source.all.push(this);
  }

  tell(name: string, data?: unknown): void {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
  }

  breaks(): void {
    this.readyState = Source.CLOSED;
    this.dispatchEvent(new Event("error"));
  }

  close(): void {
    this.readyState = Source.CLOSED;
  }
}

/** A socket that cannot be opened: something in between does not let it through. */
class BlockedSocket extends EventTarget {
  constructor() {
    super();
    queueMicrotask(() => this.dispatchEvent(new Event("close")));
  }

  close(): void {}
}

beforeEach(() => {
  vi.useFakeTimers();
  Source.all = [];
  vi.stubGlobal("EventSource", Source);
  vi.stubGlobal("WebSocket", BlockedSocket);
  vi.stubGlobal("location", { href: "https://peach.example/dashboard/" });
  vi.stubGlobal("window", globalThis);
  vi.stubGlobal("document", { hidden: false });
  vi.stubGlobal("requestAnimationFrame", (draw: () => void) => queueMicrotask(draw));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function source(): Source {
  const last = Source.all.at(-1);
  if (last === undefined) throw new Error("no stream was opened");
  return last;
}

describe("a stream of the dashboard", () => {
  it("a stream of the dashboard that breaks is shown as reconnecting, and opened again after half a second", () => {
    const { connection } = openStream("/runs/feed", { on: {} });
    source().tell("open");
    expect(connection.value).toBe("live");
    source().breaks();
    expect(connection.value).toBe("reconnecting");
    vi.advanceTimersByTime(500);
    expect(Source.all).toHaveLength(2);
  });

  it("a stream of the dashboard that has ended stays so: it is not shown as reconnecting, nor opened again", () => {
    const { connection } = openStream("/runs/run_1/events", { on: {}, end: "end" });
    source().tell("open");
    source().tell("end");
    expect(connection.value).toBe("ended");
    source().breaks();
    expect(connection.value).toBe("ended");
    vi.advanceTimersByTime(60_000);
    expect(Source.all).toHaveLength(1);
  });

  it("a stream of the dashboard that was closed, as at the end of a session, tries nothing any more", () => {
    const stream = openStream("/runs/feed", { on: {} });
    source().tell("open");
    source().breaks();
    stream.close();
    source().breaks();
    vi.advanceTimersByTime(60_000);
    expect([stream.connection.value, Source.all.length]).toEqual(["ended", 1]);
  });
});

describe("a run that is followed", () => {
  const RUN: RunDocument = {
    run_id: "run_1",
    task: "a",
    status: "running",
    trigger: { source: "api", by: "api", parent: null, replay_of: null },
    tags: [],
    late: false,
    created_at: "2026-11-22T00:00:00.000Z",
    started_at: "2026-11-22T00:00:01.000Z",
    finished_at: null,
    duration_ms: null,
    work_ms: 0,
    waited_ms: 0,
    rounds: 1,
    history: [{ what: "triggered", at: "2026-11-22T00:00:00.000Z", by: "api" }],
    conf_version: "1",
    tasks: [task("a", { status: "running" })],
    children: [{ run_id: "run_2", task: "c" }],
  };

  it("a run that is followed shows each run that it has triggered once, however often the stream tells of it", async () => {
    vi.stubGlobal("fetch", async () => Response.json(RUN));
    const model = new RunModel("run_1");
    await vi.waitFor(() => expect(Source.all).toHaveLength(1), 10_000);
    const children = (): unknown => model.head.value?.children.map(({ run_id }) => run_id);
    const change = (...ids: readonly string[]): void =>
      source().tell("change", { run: {}, tasks: [], children: ids.map((run_id) => ({ run_id, task: "c" })) });
    // As after a break: what the document has already is told again.
    change("run_2", "run_3");
    await vi.waitFor(() => expect(children()).toEqual(["run_2", "run_3"]), 10_000);
    change("run_3");
    change("run_4");
    await vi.waitFor(() => expect(children()).toEqual(["run_2", "run_3", "run_4"]), 10_000);
    model.close();
  });

  it("a run that is followed says no longer that nothing answers once its stream is open again", async () => {
    let isUp = true;
    vi.stubGlobal("fetch", async () => {
      if (isUp) return Response.json(RUN);
      throw new TypeError("fetch failed");
    });
    const model = new RunModel("run_1");
    await vi.waitFor(() => expect(Source.all).toHaveLength(1), 10_000);
    source().tell("open");
    isUp = false;
    source().breaks();
    await vi.waitFor(() => expect(model.problem.value?.code).toBe("unreachable"), 10_000);
    isUp = true;
    source().tell("open");
    await vi.waitFor(() => expect(model.problem.value).toBeNull(), 10_000);
    model.close();
  });
});
