import { createExecutionContext } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { EndpointPlan } from "../../src/domain/plan/plan.ts";
import { triggerTaskWithEvent } from "../../src/task-helpers.ts";
import type { EndpointFunction } from "../../src/execution/author/method.ts";
import { edge, edgeApp, type Send } from "../support/edge.ts";
import { endpointPlan, planOf, taskPlan } from "../support/plan.ts";

let logged: () => string;
beforeEach(() => {
  const spy = vi.spyOn(console, "error").mockImplementation(() => undefined);
  logged = () => spy.mock.calls.flat().join("\n");
});
afterEach(() => vi.restoreAllMocks());

function serve(endpoints: Readonly<Record<string, EndpointFunction>>, endpoint: Partial<EndpointPlan> = {}): Send {
  const plan = planOf([taskPlan("echo")], { endpoints: [endpointPlan("hook", { timeoutMs: 20, ...endpoint })] });
  return edge(plan, { registry: { endpoints } });
}

const never: EndpointFunction = () => new Promise(() => undefined);

async function told(response: Response): Promise<unknown[]> {
  const { code, detail } = await response.json<{ code?: string; detail?: string }>();
  return [response.status, code, detail];
}

describe("an endpoint that takes longer than its timeout", () => {
  it("an endpoint that takes longer than its timeout is answered with 504, and the log says so", async () => {
    expect(await told(await serve({ hook: never })("/hook"))).toEqual([
      504,
      "endpoint_timeout",
      'The endpoint "hook" has not answered within 20 ms.',
    ]);
    expect(logged()).toContain("has not answered within 20 ms");
  });

  it("an endpoint that takes longer than its timeout hands over to its fallback, which gets the whole body", async () => {
    const other: EndpointFunction = async (request) => ({ instead: await request.text() });
    const reading: EndpointFunction = async (request) => {
      await request.text();
      return new Promise(() => undefined);
    };
    const send = serve({ hook: reading, other }, { fallback: "other" });
    const response = await send("/hook", { method: "POST", body: "whole" });
    expect([response.status, await response.json()]).toEqual([200, { instead: "whole" }]);
  });

  it("an endpoint that takes longer than its timeout is answered with 504 if its fallback takes too long as well, and with 500 if that throws", async () => {
    const failing: EndpointFunction = () => {
      throw new Error("no");
    };
    expect((await told(await serve({ hook: never, other: never }, { fallback: "other" })("/hook")))[0]).toBe(504);
    expect((await told(await serve({ hook: failing, other: never }, { fallback: "other" })("/hook")))[0]).toBe(504);
    expect((await told(await serve({ hook: never, other: failing }, { fallback: "other" })("/hook")))[0]).toBe(500);
  });

  it("an endpoint that takes longer than its timeout goes on behind its answer: what it triggers is triggered, what it throws is logged, what it answers is dropped", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = vi.fn();
    const late: EndpointFunction = async () => {
      await promise;
      done(await triggerTaskWithEvent("echo", 1));
      throw new Error("too late");
    };
    expect((await told(await serve({ hook: late })("/hook")))[0]).toBe(504);
    resolve();
    await vi.waitFor(() => expect(logged()).toContain("too late"), 10_000);
    expect(done).toHaveBeenCalledTimes(1);
  });

  it("an endpoint that takes longer than its timeout is none that answers in time, however long its body takes then", async () => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const response = await serve({ hook: () => new Response(readable) })("/hook");
    // Another one's timeout, which begins now, is over before anything is written.
    await serve({ hook: never })("/hook");
    const text = response.text();
    const writer = writable.getWriter();
    await writer.write(new TextEncoder().encode("late"));
    await writer.close();
    expect(await text).toBe("late");
  });
});

describe("an endpoint whose answer is a stream", () => {
  it("an endpoint whose answer is a stream has the platform wait for what it triggers while the answer is read", async () => {
    const context = createExecutionContext();
    const waitUntil = vi.spyOn(context, "waitUntil");
    const added: number[] = [];
    const hook: EndpointFunction = (_request, endpoint) =>
      new Response(
        new ReadableStream(
          {
            async pull(controller) {
              const before = waitUntil.mock.calls.length;
              const trigger = endpoint.triggerTaskWithEvent("echo", 1);
              added.push(waitUntil.mock.calls.length - before);
              controller.enqueue(new TextEncoder().encode((await trigger).runId));
              controller.close();
            },
          },
          { highWaterMark: 0 },
        ),
      );
    const plan = planOf([taskPlan("echo")], { endpoints: [endpointPlan("hook")] });
    const { app, bindings } = edgeApp(plan, { registry: { endpoints: { hook } } });
    const response = await app.request("/hook", {}, bindings, context);
    expect(await response.text()).toMatch(/^run_/);
    expect(added).toEqual([1]);
  });
});
