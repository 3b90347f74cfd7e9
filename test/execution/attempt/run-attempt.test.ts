import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { pipelineEnv } from "../../../src/execution/author/pipeline-env.ts";
import { z } from "zod";
import { ProblemError } from "../../../src/domain/problem.ts";
import { PayloadStoreError } from "../../../src/payloads/r2-calls.ts";
import { openPayload } from "../../../src/payloads/payload-store.ts";
import { RunUnreachableError } from "../../../src/objects/run/run-client.ts";
import type { AttemptOutcome } from "../../../src/objects/run/settlement-rpc.ts";
import { Deadlines } from "../../../src/execution/attempt/deadlines.ts";
import { executeAttempt, outcomeOf } from "../../../src/execution/attempt/run-attempt.ts";
import type { TaskFunction, TypedTask } from "../../../src/execution/author/method.ts";
import { acceptTrigger, emitEvent, plan } from "../../support/deployed.ts";
import {
  NonRetryableError,
  passToChildTask,
  RetryAfterError,
  runOnlyChildTasks,
  task,
} from "../../../src/task-helpers.ts";
import { attempt, leaseFor, recordedRun } from "../../support/attempt.ts";
import { newRunId } from "../../support/hand-driven.ts";
import { inline } from "../../support/settlements.ts";

beforeEach(() => {
  for (const level of ["info", "warn", "error"] as const) vi.spyOn(console, level).mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

async function outcomeFor(method: TaskFunction): Promise<AttemptOutcome> {
  return (await attempt(method)).settlement.outcome;
}

/** The value that the attempt passed, as a child would read it. */
async function passedBy(method: TaskFunction): Promise<unknown> {
  const outcome = await outcomeFor(method);
  if (outcome.type !== "succeeded") throw new Error(JSON.stringify(outcome));
  return openPayload(env.PAYLOADS, outcome.output, () => Promise.reject(new Error("nothing is held")));
}

describe("an attempt that succeeds", () => {
  it("an attempt that succeeds carries ordinal, attempt and token of its lease", async () => {
    const { settlement } = await attempt(() => 1, { ordinal: 7, attempt: 3, token: 12 });
    expect(settlement).toEqual({
      ordinal: 7,
      attempt: 3,
      token: 12,
      outcome: { type: "succeeded", output: inline(1), to: null },
      children: [],
      logs: [],
      logsDropped: 0,
    });
  });

  it.each<[string, unknown]>([
    ["null", null],
    ["an empty string", ""],
    ["unicode", "ü€𝄞 and a lone \ud834"],
    ["deep JSON", { a: [{ b: { c: [[[1.5, "x", false, null]]] } }] }],
    ["bytes", new Uint8Array([0, 1, 255])],
    ["a buffer", new Uint8Array([9, 8]).buffer],
  ])("an attempt that succeeds passes what it returns: %s", async (_, value) => {
    expect(await passedBy(() => value)).toEqual(value);
  });

  it("an attempt that succeeds passes null for undefined", async () => {
    expect(await passedBy(() => undefined)).toBeNull();
  });

  it("an attempt that succeeds passes a stream as a stream", async () => {
    const read = await passedBy(() => new Blob(["of a stream"]).stream());
    if (!(read instanceof ReadableStream)) throw new Error("no stream");
    expect(await new Response(read).text()).toBe("of a stream");
  });

  it("an attempt that succeeds has what is above the inline limit in R2 before it says so, under a key of its own", async () => {
    const runId = await recordedRun();
    const { settlement } = await attempt(() => "four", { runId, attempt: 2, token: 5, inlineLimitBytes: 3 });
    const key = `runs/${runId}/0/2-5`;
    expect(settlement.outcome).toMatchObject({ type: "succeeded", output: { at: "r2", size: 4, key } });
    expect(await (await env.PAYLOADS.get(key))?.text()).toBe("four");
  });

  it("an attempt that succeeds is handed the payload and the task", async () => {
    const seen: unknown[] = [];
    const runId = newRunId();
    await attempt(
      (payload, { name, runId: id, attempt: number, env: bindings, signal }) => {
        seen.push(payload, name, id, number, bindings, signal.aborted);
      },
      { runId, attempt: 4, inputs: [{ parent: "", payload: inline({ a: 1 }) }] },
    );
    expect(seen).toEqual([{ a: 1 }, "only", runId, 4, pipelineEnv(env), false]);
  });
});

describe("an attempt that throws", () => {
  const failed = { type: "failed", retryable: true, retryAfterMs: null, reason: "error" } as const;

  it("an attempt that throws has failed with its error, to be tried again", async () => {
    const outcome = await outcomeFor(() => {
      throw new TypeError("no such field");
    });
    expect(outcome).toEqual({
      ...failed,
      error: { name: "TypeError", message: "no such field", stack: expect.stringContaining("run-attempt.test.ts") },
    });
  });

  it("an attempt that throws has failed also if its promise rejects, or what it passes cannot be stored", async () => {
    expect(await outcomeFor(() => Promise.reject(new Error("later")))).toMatchObject({
      type: "failed",
      retryable: true,
    });
    expect(await outcomeFor(() => ({ a: [() => 1] }))).toMatchObject({
      type: "failed",
      retryable: false,
      error: { message: expect.stringContaining("$.a[0]") },
    });
    const broken = new ReadableStream({ pull: () => Promise.reject(new Error("of the stream")) });
    expect(await outcomeFor(() => broken)).toMatchObject({
      type: "failed",
      retryable: true,
      error: { message: "of the stream" },
    });
  });

  it.each<[unknown, string]>([
    ["a text", "the task threw a text"],
    [undefined, "the task threw undefined"],
    [Symbol("s"), "the task threw symbol"],
    [{ code: 7 }, 'the task threw {"code":7}'],
  ])("an attempt that throws has failed also if it throws what is no error: %s", (thrown, message) => {
    expect(outcomeOf(thrown)).toEqual({ ...failed, error: { name: "Error", message, stack: null } });
  });

  it("an attempt that throws has failed also if what it throws cannot be described", async () => {
    const circular: Record<string, unknown> = {};
    circular["self"] = circular;
    const hostile = Object.defineProperty(new Error("x"), "message", {
      get() {
        throw new Error("not even this");
      },
    });
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const thrown of [
      Object.create(null),
      circular,
      hostile,
      proxy,
      Object.assign(new Error("x"), { message: 5, name: 6, stack: {} }),
    ]) {
      const outcome = await outcomeFor(() => {
        throw thrown;
      });
      expect(outcome).toMatchObject({ type: "failed", retryable: true });
      if (outcome.type !== "failed") continue;
      expect([typeof outcome.error.name, typeof outcome.error.message]).toEqual(["string", "string"]);
    }
  });

  it("an attempt that throws is not tried again if it says so", () => {
    expect(outcomeOf(new NonRetryableError("never"))).toMatchObject({ ...failed, retryable: false });
    // Of another bundle: only the name tells.
    expect(outcomeOf(Object.assign(new Error("never"), { name: "NonRetryableError" }))).toMatchObject({
      retryable: false,
    });
    expect(outcomeOf(new ProblemError({ code: "unknown_task", detail: "d", hint: "h" }))).toMatchObject({
      retryable: false,
    });
  });

  it("an attempt that throws is tried again when it says so", () => {
    expect(outcomeOf(new RetryAfterError("30s", "busy"))).toMatchObject({
      ...failed,
      retryAfterMs: 30_000,
      error: { name: "RetryAfterError", message: "busy" },
    });
    expect(outcomeOf(new RetryAfterError(1_500))).toMatchObject({ retryAfterMs: 1_500 });
    expect(() => new RetryAfterError("soon")).toThrow(
      'a duration is written like 250ms, 30s, 5m, 2h or 7d, given "soon"',
    );
    expect(() => new RetryAfterError(-1)).toThrow(RangeError);
  });

  it("an attempt that throws has the texts of its error cut where they are long", () => {
    const error = new Error("m".repeat(10_000));
    error.stack = "s".repeat(10_000);
    const outcome = outcomeOf(error);
    if (outcome.type !== "failed") throw new Error(outcome.type);
    expect(outcome.error).toEqual({ name: "Error", message: "m".repeat(4_096), stack: "s".repeat(8_192) });
  });
});

describe("an attempt whose surroundings fail", () => {
  it("an attempt whose surroundings fail is lost, not failed: R2 does not store what it passes", async () => {
    vi.stubGlobal("scheduler", { wait: async () => undefined });
    const bucket: R2Bucket = Object.getPrototypeOf(env.PAYLOADS);
    vi.spyOn(bucket, "put").mockRejectedValue(new Error("put: internal error (10001)"));
    const { settlement } = await attempt(() => "large", { runId: await recordedRun(), inlineLimitBytes: 0 });
    expect(settlement.outcome).toMatchObject({
      type: "lost",
      to: "surroundings",
      error: { name: "PayloadStoreError" },
    });
  });

  it("an attempt whose surroundings fail is lost, not failed: R2 does not give what it reads", async () => {
    vi.stubGlobal("scheduler", { wait: async () => undefined });
    const bucket: R2Bucket = Object.getPrototypeOf(env.PAYLOADS);
    vi.spyOn(bucket, "get").mockRejectedValue(new Error("get: internal error (10001)"));
    const payload = { kind: "text", size: 1, contentType: "text/plain", at: "r2", key: "runs/x/0/1-1" } as const;
    const { settlement } = await attempt((_payload) => "never called", { inputs: [{ parent: "", payload }] });
    expect(settlement.outcome).toMatchObject({ type: "lost", to: "surroundings" });
  });

  it("an attempt whose surroundings fail is lost, not failed: a child run cannot be recorded, or the storage of a stream breaks off", () => {
    expect(outcomeOf(new ProblemError({ code: "overloaded", detail: "d", hint: "h" }))).toMatchObject({
      type: "lost",
      to: "surroundings",
    });
    expect(outcomeOf(new PayloadStoreError("R2 ended the payload"))).toMatchObject({
      type: "lost",
      to: "surroundings",
    });
  });

  it("an attempt whose surroundings fail is lost, not failed: its run cannot be reached; but a connection of its own that breaks is its failure", () => {
    const broken = Object.assign(new Error("Network connection lost."), { retryable: true });
    expect(outcomeOf(new RunUnreachableError(newRunId(), broken))).toMatchObject({ type: "lost", to: "surroundings" });
    expect(outcomeOf(broken)).toMatchObject({
      type: "failed",
      retryable: true,
      error: { message: "Network connection lost." },
    });
  });

  it("an attempt whose surroundings fail has failed for good if what it reads is gone from R2", async () => {
    const payload = { kind: "text", size: 1, contentType: "text/plain", at: "r2", key: "runs/x/0/1-1" } as const;
    const { settlement } = await attempt((_payload) => "never called", { inputs: [{ parent: "", payload }] });
    expect(settlement.outcome).toMatchObject({
      type: "failed",
      retryable: false,
      error: { name: "PayloadMissingError", message: expect.stringContaining("runs/x/0/1-1") },
    });
  });
});

describe("an attempt whose time is up", () => {
  it("an attempt whose time is up has timed out: its signal is aborted, its late result and its late helper calls come to nothing", async () => {
    const seen: string[] = [];
    const { promise: late, resolve: goOn } = Promise.withResolvers<void>();
    const { promise: over, resolve: ended } = Promise.withResolvers<void>();
    const { settlement } = await attempt(
      async (_, context) => {
        context.log.info("before");
        const signalled = Promise.withResolvers<void>();
        context.signal.addEventListener("abort", () => signalled.resolve());
        await signalled.promise;
        seen.push(String(context.signal.reason));
        await late;
        for (const helper of [
          async () => context.passToChildTask(1),
          async () => context.triggerTaskWithEvent("echo"),
          async () => context.runOnlyChildTasks(),
        ]) {
          try {
            await helper();
            seen.push("allowed");
          } catch (error) {
            seen.push(error instanceof Error ? error.message.slice(0, error.message.indexOf(" was called")) : "?");
          }
        }
        ended();
        return "late";
      },
      { timeoutMs: 5 },
    );
    expect(settlement.outcome).toEqual({
      type: "timed_out",
      error: {
        name: "TimeoutError",
        message: "the attempt ran longer than its timeout of 5 ms",
        stack: expect.any(String),
      },
    });
    expect(settlement.logs.map(({ message }) => message)).toEqual(["before"]);
    goOn();
    await over;
    expect(seen).toEqual([
      "TimeoutError: the attempt ran longer than its timeout of 5 ms",
      "passToChildTask",
      "triggerTaskWithEvent",
      "runOnlyChildTasks",
    ]);
    expect(settlement.children).toEqual([]);
  });

  it("an attempt whose time is up does not start its method any more if its time was up while it read", async () => {
    const runId = newRunId();
    const key = `runs/${runId}/trigger-1`;
    await env.PAYLOADS.put(key, "1");
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const get = (): Promise<R2ObjectBody | null> => held.then(() => env.PAYLOADS.get(key));
    const slow = new Proxy(env.PAYLOADS, { get: (real, name) => (name === "get" ? get : Reflect.get(real, name)) });
    const read = Promise.withResolvers<void>();
    let started = false;
    const { settlement } = await attempt(
      task({ input: z.number().transform(() => read.resolve()), run: () => void (started = true) }),
      {
        runId,
        timeoutMs: 5,
        inputs: [{ parent: "", payload: { kind: "json", size: 1, contentType: "application/json", at: "r2", key } }],
      },
      { env: { ...env, PAYLOADS: slow } },
    );
    expect(settlement.outcome.type).toBe("timed_out");
    release();
    await read.promise;
    // Another attempt takes all the turns that the first one has left.
    await attempt(() => 1);
    expect(started).toBe(false);
  });

  it("an attempt whose time is up has timed out also if it never reacts, or its stream never ends", async () => {
    const never = new Promise<never>(() => undefined);
    expect((await attempt(() => never, { timeoutMs: 5 })).settlement.outcome.type).toBe("timed_out");
    const endless = (): ReadableStream => new ReadableStream({ pull: () => never });
    expect((await attempt(endless, { timeoutMs: 5 })).settlement.outcome.type).toBe("timed_out");
  });

  it("an attempt whose time is up has its signal aborted also when it ends in time, so that what it left running can stop", async () => {
    let signal: AbortSignal | undefined;
    await attempt((_, context) => void ({ signal } = context));
    expect(signal?.aborted).toBe(true);
  });
});

describe("an attempt of a method that the deployed code does not have", () => {
  it("an attempt of a method that the deployed code does not have is given back, and nothing was executed", async () => {
    const port = { env, lifetime: { waitUntil: () => undefined }, accept: acceptTrigger, emit: emitEvent, plan };
    for (const method of ["gone", "toString", "__proto__"]) {
      const { outcome } = await executeAttempt(
        leaseFor({ method }),
        { tasks: {}, endpoints: {} },
        port,
        new Deadlines(),
        undefined,
        undefined,
        "this deployment",
      );
      expect(outcome).toMatchObject({
        type: "undeployed",
        deployment: "this deployment",
        error: {
          name: "MethodMissingError",
          message: expect.stringContaining(`no method "${method}" for the task "only"`),
        },
      });
    }
  });
});

describe("a task declared with types", () => {
  const typed = task({
    input: z.object({ id: z.number(), tags: z.array(z.string()).default([]) }),
    output: z.object({ text: z.string() }),
    // What the test passes in `text` is what the task returns, right or wrong.
    run: (payload): { text: string } =>
      Object.assign({ text: payload.tags.join() }, payload.id === 0 ? { text: 0 } : {}),
  });
  const reading = (payload: unknown) => ({ inputs: [{ parent: "", payload: inline(payload) }] });

  it("a task declared with types reads its input with the schema's defaults, and passes what fits", async () => {
    expect((await attempt(typed, reading({ id: 1 }))).settlement.outcome).toEqual({
      type: "succeeded",
      output: inline({ text: "" }),
      to: null,
    });
  });

  it("a task declared with types fails for good if what it reads does not fit, with the paths", async () => {
    const { settlement } = await attempt(typed, reading({ id: "1", tags: ["a", 2] }));
    expect(settlement.outcome).toMatchObject({
      type: "failed",
      retryable: false,
      error: {
        message: expect.stringMatching(/what the task "only" reads does not fit its schema: \$\.id: .*and 1 more/),
      },
    });
  });

  it("a task declared with types fails for good if what it passes does not fit", async () => {
    const { settlement } = await attempt(typed, reading({ id: 0 }));
    expect(settlement.outcome).toMatchObject({
      type: "failed",
      retryable: false,
      error: { message: expect.stringContaining('what the task "only" passes does not fit its schema: $.text') },
    });
  });

  describe("that passes to single children", () => {
    const children = ["left", "right"];
    const output = z.object({ text: z.string(), n: z.number().default(7) });
    const passing = (run: () => unknown): TypedTask => ({ kind: "peach.task", input: null, output, run });

    it("a task declared with types that passes to single children passes what the schema makes of it", async () => {
      const method = passing(() => {
        passToChildTask({ text: "l" }, { to: "left" });
        passToChildTask({ text: "r" }, { to: "right" });
        return { text: "all" };
      });
      expect((await attempt(method, { children })).settlement.outcome).toEqual({
        type: "succeeded",
        output: inline({ text: "all", n: 7 }),
        to: { left: inline({ text: "l", n: 7 }), right: inline({ text: "r", n: 7 }) },
      });
    });

    it("a task declared with types that passes to single children fails for good if that does not fit, naming the child", async () => {
      const method = passing(() => {
        passToChildTask(12_345, { to: "right" });
        return { text: "all" };
      });
      expect((await attempt(method, { children })).settlement.outcome).toMatchObject({
        type: "failed",
        retryable: false,
        error: {
          message: expect.stringContaining('what the task "only" passes to "right" does not fit its schema: $:'),
        },
      });
    });

    it.each([
      ["each of them", ["left", "right"], null],
      ["each that it has chosen", ["left"], ["left"]],
    ])("a typed task need return nothing if it passes to %s", async (_, to, chosen) => {
      const method = passing(() => {
        for (const child of to) passToChildTask({ text: child }, { to: child });
        if (chosen !== null) runOnlyChildTasks(...chosen);
      });
      expect((await attempt(method, { children })).settlement.outcome).toMatchObject({
        type: "succeeded",
        output: inline(null),
        to: { left: inline({ text: "left", n: 7 }) },
      });
    });

    it.each([
      ["nothing, while a child is left to read it", undefined, ["left"]],
      ["something else", 12_345, ["left", "right"]],
    ])("a typed task that passes to children fails for good if it returns %s", async (_, returned, to) => {
      const method = passing(() => {
        for (const child of to) passToChildTask({ text: child }, { to: child });
        return returned;
      });
      expect((await attempt(method, { children })).settlement.outcome).toMatchObject({
        type: "failed",
        retryable: false,
        error: { message: expect.stringContaining('what the task "only" passes does not fit its schema: $:') },
      });
    });
  });

  it("a task declared with types has a stream held against its schemas as a stream, unread", async () => {
    const stream = z.instanceof(ReadableStream);
    const streaming = task({ input: stream, output: stream, run: (payload) => payload });
    const encoded = { kind: "stream", size: 3, contentType: "x/y", at: "inline", bytes: new Uint8Array(3) } as const;
    const inputs = [{ parent: "", payload: encoded }];
    expect((await attempt(streaming, { inputs })).settlement.outcome).toMatchObject({
      type: "succeeded",
      output: { kind: "stream", size: 3 },
    });
    const texts = task({ input: z.string(), output: z.string(), run: (payload) => payload });
    expect((await attempt(texts, { inputs })).settlement.outcome).toMatchObject({
      type: "failed",
      error: { message: expect.stringContaining("reads does not fit") },
    });
    const passing: TypedTask = {
      kind: "peach.task",
      input: null,
      output: z.string(),
      run: () => new Blob(["x"]).stream(),
    };
    expect((await attempt(passing)).settlement.outcome).toMatchObject({
      type: "failed",
      error: { message: expect.stringContaining("passes does not fit") },
    });
  });
});
