import { afterEach, describe, expect, it, vi } from "vitest";
import { AttemptCancellation } from "../../../src/execution/attempt/cancellation.ts";
import type { TaskFunction } from "../../../src/execution/author/method.ts";
import { attempt } from "../../support/attempt.ts";

describe("the signal of an attempt", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("the signal of an attempt is not made for a task that does not ask for it", async () => {
    let made = 0;
    class CountedController extends AbortController {
      constructor() {
        super();
        made += 1;
      }
    }
    vi.stubGlobal("AbortController", CountedController);
    const ask = async (method: TaskFunction): Promise<[string, number]> => {
      made = 0;
      const { settlement } = await attempt(method);
      return [settlement.outcome.type, made];
    };
    expect(await ask(() => "done")).toEqual(["succeeded", 0]);
    expect(await ask((_, { signal }) => signal.aborted)).toEqual(["succeeded", 1]);
  });

  it("the signal of an attempt is aborted when the end comes, with its reason", () => {
    const end = new AttemptCancellation();
    const { signal } = end;
    expect([end.isCancelled, signal.aborted]).toEqual([false, false]);
    end.cancel(() => new Error("time is up"));
    expect([end.isCancelled, signal.aborted, String(signal.reason)]).toEqual([true, true, "Error: time is up"]);
  });

  it("the signal of an attempt is aborted for who asks for it after the end", () => {
    const end = new AttemptCancellation();
    end.cancel(() => new Error("time is up"));
    expect([end.signal.aborted, String(end.signal.reason)]).toEqual([true, "Error: time is up"]);
  });

  it("the signal of an attempt is the same whenever it is asked for, and keeps the first reason", () => {
    const end = new AttemptCancellation();
    const { signal } = end;
    end.cancel(() => new Error("time is up"));
    end.cancel(() => new Error("the attempt has ended"));
    expect(end.signal).toBe(signal);
    expect(String(signal.reason)).toBe("Error: time is up");
  });
});
