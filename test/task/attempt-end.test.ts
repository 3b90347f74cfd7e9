import { describe, expect, it } from "vitest";
import { AttemptEnd } from "../../src/task/attempt-end.ts";

describe("the signal of an attempt", () => {
  it("is aborted when the end comes, with its reason", () => {
    const end = new AttemptEnd();
    const { signal } = end;
    expect([end.hasCome, signal.aborted]).toEqual([false, false]);
    end.come(() => new Error("time is up"));
    expect([end.hasCome, signal.aborted, String(signal.reason)]).toEqual([true, true, "Error: time is up"]);
  });

  it("is aborted for who asks for it after the end", () => {
    const end = new AttemptEnd();
    end.come(() => new Error("time is up"));
    expect([end.signal.aborted, String(end.signal.reason)]).toEqual([true, "Error: time is up"]);
  });

  it("is the same whenever it is asked for, and keeps the first reason", () => {
    const end = new AttemptEnd();
    const { signal } = end;
    end.come(() => new Error("time is up"));
    end.come(() => new Error("the attempt has ended"));
    expect(end.signal).toBe(signal);
    expect(String(signal.reason)).toBe("Error: time is up");
  });
});
