import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { isTransient } from "../../../src/platform/calls.ts";
import { callRun, RunUnreachableError } from "../../../src/objects/run/run-client.ts";
import type { RunRpc } from "../../../src/objects/run/run-rpc.ts";
import { newRunId } from "../../support/hand-driven.ts";

let pauses: number[] = [];

beforeEach(() => {
  pauses = [];
  vi.stubGlobal("scheduler", { wait: async (ms: number) => void pauses.push(ms) });
  vi.spyOn(Math, "random").mockReturnValue(0);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

function transient(flags: object = { retryable: true }): Error {
  return Object.assign(new Error("transient"), flags);
}

/** A call that fails so often, then answers. It notes the stubs that it was given. */
function failing(times: number, error: Error) {
  const stubs = new Set<RunRpc>();
  const call = vi.fn(async (run: RunRpc) => {
    stubs.add(run);
    if (call.mock.calls.length <= times) throw error;
    return "answer";
  });
  return { call, stubs };
}

describe("a call of a run object", () => {
  it("a call of a run object is made again with a fresh stub while the surroundings fail", async () => {
    const { call, stubs } = failing(3, transient());
    expect(await callRun(env, newRunId(), call)).toBe("answer");
    expect(call).toHaveBeenCalledTimes(4);
    expect(stubs.size).toBe(4);
    expect(pauses).toEqual([25, 100, 400]);
  });

  it("a call of a run object says that the run cannot be reached when they keep failing, and why", async () => {
    const error = transient();
    const { call } = failing(99, error);
    const runId = newRunId();
    const unreachable = await callRun(env, runId, call).catch((reason: unknown) => reason);
    expect(unreachable).toBeInstanceOf(RunUnreachableError);
    expect(unreachable).toMatchObject({ message: `the run ${runId} cannot be reached now: transient`, cause: error });
    expect(isTransient(unreachable)).toBe(true);
    expect(call).toHaveBeenCalledTimes(6);
    expect(pauses).toEqual([25, 100, 400, 1_000, 2_000]);
  });

  it("a call of a run object waits longer for an object that is overloaded", async () => {
    const { call } = failing(2, transient({ overloaded: true }));
    await callRun(env, newRunId(), call);
    expect(pauses).toEqual([50, 200]);
  });

  it("a call of a run object is not made again if the call itself is at fault", async () => {
    const error = new TypeError("no such method");
    const { call } = failing(1, error);
    await expect(callRun(env, newRunId(), call)).rejects.toBe(error);
    expect(call).toHaveBeenCalledOnce();
  });
});

describe("surroundings that fail", () => {
  it.each<[unknown, boolean]>([
    [transient({ retryable: true }), true],
    [transient({ overloaded: true }), true],
    [transient({ durableObjectReset: true }), true],
    [transient({ retryable: false }), false],
    [new Error("Durable Object reset because its code was updated."), true],
    [new Error("Durable Object is overloaded. Too many requests queued."), true],
    [new Error("Network connection lost."), true],
    [new Error("Connection closed: this Durable Object instance is no longer active"), true],
    [new Error("disk I/O error"), false],
    [{ retryable: true }, false],
    ["Network connection lost.", false],
    [undefined, false],
  ])("surroundings that fail are told by flag or by message: %s is %s", (error, expected) => {
    expect(isTransient(error)).toBe(expected);
  });
});
