import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LayoutRequest } from "../../src/dashboard/graph/layout.ts";

const REQUEST: LayoutRequest = {
  nodes: [
    { id: "a", width: 100, height: 40, downstream: ["b"] },
    { id: "b", width: 100, height: 40, downstream: [] },
  ],
  rowGap: 16,
  columnGap: 32,
};

/** A web worker of whom the test says what it does. */
class FakeWorker extends EventTarget {
  static started: FakeWorker[] = [];
  readonly asked: unknown[] = [];
  isEnded = false;
  constructor() {
    super();
    FakeWorker.started.push(this);
  }
  postMessage(message: unknown): void {
    this.asked.push(message);
  }
  terminate(): void {
    this.isEnded = true;
  }
}

describe("the layouts of the page", () => {
  beforeEach(() => {
    vi.resetModules();
    vi.useFakeTimers();
    FakeWorker.started = [];
    vi.stubGlobal("Worker", FakeWorker);
    vi.stubGlobal("window", globalThis);
    vi.stubGlobal("LAYOUT_WORKER", "/dashboard/assets/layout.js");
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
    vi.doUnmock("../../src/dashboard/graph/layout.ts");
  });

  it("a worker that cannot run is ended, and the page lays the graph out itself, as it does from then on", async () => {
    const { layoutOf } = await import("../../src/dashboard/graph/layouts.ts");
    const layout = layoutOf(REQUEST);
    expect(layout.value).toBeNull();
    FakeWorker.started[0]?.dispatchEvent(new Event("error"));
    expect(FakeWorker.started[0]?.isEnded).toBe(true);
    expect(layout.value).toMatchObject({ edges: [{ from: "a", to: "b" }] });
    expect(layoutOf({ ...REQUEST, rowGap: 20 }).value).toMatchObject({ edges: [{ from: "a", to: "b" }] });
    expect(FakeWorker.started).toHaveLength(1);
  });

  it("a worker that is silent for four seconds is ended, and the page lays the graph out itself", async () => {
    const { layoutOf } = await import("../../src/dashboard/graph/layouts.ts");
    const layout = layoutOf(REQUEST);
    vi.advanceTimersByTime(3_999);
    expect(layout.value).toBeNull();
    vi.advanceTimersByTime(1);
    expect(layout.value).toMatchObject({ edges: [{ from: "a", to: "b" }] });
    expect(FakeWorker.started[0]?.isEnded).toBe(true);
  });

  it("a layout that nobody can compute is said to have failed, and is tried again when asked", async () => {
    let isBroken = true;
    vi.doMock("../../src/dashboard/graph/layout.ts", () => ({
      layoutGraph: () => {
        if (isBroken) throw new Error("no layout");
        return "a layout";
      },
    }));
    vi.spyOn(console, "error").mockImplementation(() => {});
    const { layoutOf, layOutAgain } = await import("../../src/dashboard/graph/layouts.ts");
    const layout = layoutOf(REQUEST);
    FakeWorker.started[0]?.dispatchEvent(new Event("error"));
    expect(layout.value).toBe("failed");
    isBroken = false;
    layOutAgain(REQUEST);
    expect(layout.value).toBe("a layout");
  });
});
