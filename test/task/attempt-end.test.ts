import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { encodePayload } from "../../src/payload/codec.ts";
import { callRun } from "../../src/run/run-client.ts";
import { acceptTrigger } from "../../src/task/deployment.ts";
import { AttemptEnd } from "../../src/task/attempt-end.ts";

describe("the signal of an attempt", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("is not made for a task that does not ask for it", async () => {
    let made = 0;
    class CountedController extends AbortController {
      constructor() {
        super();
        made += 1;
      }
    }
    vi.stubGlobal("AbortController", CountedController);
    const payload = encodePayload("hello");
    if (!payload.ok) throw new Error(payload.problem.detail);
    const accepted = await acceptTrigger(env, createExecutionContext(), {
      task: "kilo_start",
      payload: payload.value,
      idempotencyKey: null,
      origin: { source: "api", by: "test", parent: null },
    });
    if (!accepted.ok) throw new Error(accepted.problem.detail);
    const document = await callRun(env, accepted.value.runId, (run) => run.untilFinal(10_000));
    expect([document?.status, made]).toEqual(["succeeded", 0]);
  });

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
