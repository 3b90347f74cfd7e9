import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BRIEFLY, CallTimeoutError, callWithRetries, isTransient, within } from "../../src/platform/calls.ts";
import { silence } from "../support/silence.ts";

let pauses: number[] = [];

beforeEach(() => {
  pauses = [];
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  vi.stubGlobal("scheduler", { wait: async (ms: number) => void pauses.push(ms) });
  vi.spyOn(Math, "random").mockReturnValue(0);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** What the promise rejects with. */
function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "answered",
    (error: unknown) => error,
  );
}

describe("a call with a limit of time", () => {
  it("a call with a limit of time gives the answer, or the failure, and leaves no timer behind", async () => {
    expect(await within(1_000, "it", Promise.resolve("answer"))).toBe("answer");
    const failure = new TypeError("no such method");
    expect(await failureOf(within(1_000, "it", Promise.reject(failure)))).toBe(failure);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("a call with a limit of time fails at its limit if nobody answers, as surroundings do that fail", async () => {
    const failed = failureOf(within(1_000, "the archive", silence()));
    await vi.advanceTimersByTimeAsync(999);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    const error = await failed;
    expect(error).toBeInstanceOf(CallTimeoutError);
    expect(String(error)).toBe("CallTimeoutError: the archive was not answered within 1000 ms");
    expect(isTransient(error)).toBe(true);
  });

  it("a call with a limit of time of more than a timer can count does not fail at once", async () => {
    const failed = failureOf(within(40 * 86_400_000, "it", silence()));
    let isOver = false;
    void failed.then(() => (isOver = true));
    await vi.advanceTimersByTimeAsync(20 * 86_400_000);
    expect(isOver).toBe(false);
  });
});

describe("a call that may be made again", () => {
  it("a call that may be made again is made once more when it was not answered in time, and given up when it was not answered twice", async () => {
    const call = vi.fn(() => silence());
    const failed = failureOf(callWithRetries("the object", call));
    await vi.advanceTimersByTimeAsync(2 * BRIEFLY.limitMs);
    expect(await failed).toBeInstanceOf(CallTimeoutError);
    expect(call).toHaveBeenCalledTimes(2);
    expect(pauses).toEqual([50]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("a call that may be made again is answered by the second object that it reaches", async () => {
    const answers = [silence<string>(), Promise.resolve("here")];
    const answer = callWithRetries("the object", () => answers.shift() ?? silence());
    await vi.advanceTimersByTimeAsync(BRIEFLY.limitMs);
    expect(await answer).toBe("here");
  });
});
