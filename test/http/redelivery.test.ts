import { createHmac } from "node:crypto";
import { afterEach, describe, expect, it, vi } from "vitest";
import { triggerTaskWithEvent } from "../../src/task-helpers.ts";
import type { AppDependencies } from "../../src/http/dependencies.ts";
import { callSignedDeliveries } from "../../src/objects/deliveries/signed-client.ts";
import type { EndpointFunction } from "../../src/execution/author/method.ts";
import { edge } from "../support/edge.ts";
import { endpointPlan, planOf, taskPlan } from "../support/plan.ts";
import { PROVIDERS, type Provider } from "../support/signed.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("a delivery that is sent again", () => {
  const NOW = Date.UTC(2027, 5, 1, 12);

  interface Started {
    readonly runs: { readonly run_id: string; readonly task: string }[];
  }

  /** An endpoint that triggers twice, and throws before the second trigger as often as said. */
  function triggering(provider: Provider, { failures = 0, fallback = false, key = "" } = {}) {
    let left = failures;
    const method: EndpointFunction = async (request) => {
      const payload = await request.json<object>();
      await triggerTaskWithEvent("echo", payload, key === "" ? undefined : { idempotencyKey: key });
      if (left-- > 0) throw new Error("the surroundings failed");
      await triggerTaskWithEvent("echo", payload);
      await triggerTaskWithEvent("other", payload);
    };
    const other: EndpointFunction = async () => {
      await triggerTaskWithEvent("echo", "instead");
    };
    const endpoints = ["hook", "hook2"].map((name) =>
      endpointPlan(name, { auth: provider.auth, method: "hook", fallback: fallback ? "other" : null }),
    );
    const plan = planOf([taskPlan("echo"), taskPlan("other", { method: "echo" })], { endpoints });
    const env = { HOOK_SECRET: provider.secret };
    const send = edge(plan, { registry: { endpoints: { hook: method, other } }, env });
    return async (id: string, { path = "/hook", at = NOW, content = { n: 1 } } = {}): Promise<string[]> => {
      vi.setSystemTime(at);
      const { headers, body } = provider.sign(provider.secret, content, { id, at });
      const response = await send(path, { method: "POST", headers, body });
      return response.status === 202 ? (await response.json<Started>()).runs.map(({ run_id }) => run_id) : [];
    };
  }

  const { "standard-webhooks": standardWebhooks, stripe, slack } = PROVIDERS;

  it.each(Object.entries({ standardWebhooks, stripe, slack }))(
    "a delivery that is sent again by %s: finds its runs again, and starts none",
    async (_, provider) => {
      const deliver = triggering(provider);
      const id = crypto.randomUUID();
      const first = await deliver(id);
      expect(new Set(first).size).toBe(3);
      // A provider tries again with a new time, and so with a new signature.
      expect(await deliver(id, { at: NOW + 60_000 })).toEqual(first);
      expect(await deliver(crypto.randomUUID())).not.toContainEqual(first[0]);
      expect(await deliver(id, { path: "/hook2" })).not.toContainEqual(first[0]);
    },
  );

  it.each(["github", "hmac-sha256"] as const)(
    "a delivery that is sent again by %s, which signs no time, after more than seven days: finds its runs as long as they are kept",
    async (scheme) => {
      const deliver = triggering(PROVIDERS[scheme]);
      const first = await deliver("1");
      expect(new Set(first).size).toBe(3);
      expect(await deliver("2", { at: NOW + 8 * 86_400_000 })).toEqual(first);
    },
  );

  it("a delivery that is sent again by a sender that gives two deliveries one id: the endpoint is called for each body, and its runs are those of the id", async () => {
    const deliver = triggering(PROVIDERS["standard-webhooks"], { failures: 1 });
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const id = crypto.randomUUID();
    expect(await deliver(id)).toEqual([]);
    const other = await deliver(id, { content: { n: 2 } });
    expect(new Set(other).size).toBe(3);
    expect(await deliver(id)).toEqual(other);
  });

  it("a delivery that is sent again twenty times at once starts its runs once", async () => {
    const deliver = triggering(PROVIDERS["standard-webhooks"]);
    const id = crypto.randomUUID();
    const all = await Promise.all(Array.from({ length: 20 }, () => deliver(id)));
    expect(new Set(all.map((runs) => runs.join())).size).toBe(1);
  });

  it("a delivery that is sent again after the endpoint had failed in the middle: finds what was started, and starts the rest", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const deliver = triggering(PROVIDERS.stripe, { failures: 1 });
    const id = crypto.randomUUID();
    expect(await deliver(id)).toEqual([]);
    const second = await deliver(id);
    expect(new Set(second).size).toBe(3);
    expect(await deliver(id)).toEqual(second);
  });

  it("a delivery that is sent again does not mix up what the method and its fallback trigger", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const deliver = triggering(PROVIDERS.stripe, { failures: 1, fallback: true });
    const id = crypto.randomUUID();
    const [method, fallback] = await deliver(id);
    expect(fallback).not.toBe(method);
    // The fallback has answered: the method is not called again.
    expect(await deliver(id)).toEqual([method, fallback]);
  });

  it("a delivery that is sent again has the author's own key where there is one", async () => {
    const deliver = triggering(PROVIDERS["standard-webhooks"], { key: crypto.randomUUID() });
    const [one] = await deliver(crypto.randomUUID());
    const [other] = await deliver(crypto.randomUUID());
    expect(other).toBe(one);
  });

  it.each([
    ["github", PROVIDERS.github, {}],
    ["hmac-sha256", PROVIDERS["hmac-sha256"], {}],
    ["a command of Slack, which has no id", PROVIDERS.slack, { event_id: null }],
    ["an unusual event of Stripe, whose id is none", PROVIDERS.stripe, { id: 7 }],
  ])(
    "a delivery that is sent again is known by what was signed where nothing that is signed names it: %s",
    async (_, provider, noId) => {
      const deliver = triggering(provider);
      const content = { n: 1, salt: crypto.randomUUID(), ...noId };
      const first = await deliver(crypto.randomUUID(), { content });
      expect(new Set(first).size).toBe(3);
      // As somebody who has seen it sends it: any header that is not signed is another.
      expect(await deliver(crypto.randomUUID(), { content })).toEqual(first);
      expect(await deliver("x", { content: { ...content, n: 2 } })).not.toContainEqual(first[0]);
      expect(await deliver("x", { content, path: "/hook2" })).not.toContainEqual(first[0]);
    },
  );
});

describe("the method of an endpoint, when the same bytes come again", () => {
  const NOW = Date.UTC(2027, 5, 1, 12);
  const WEEK = 7 * 86_400_000;
  const { github } = PROVIDERS;

  function counting(method: EndpointFunction, dependencies: Partial<AppDependencies> = {}, retentionMs = WEEK) {
    const called = vi.fn(method);
    const endpoints = [endpointPlan("hook", { auth: github.auth })];
    const plan = planOf([taskPlan("echo")], { endpoints, retentionMs });
    const env = { HOOK_SECRET: `${github.secret},${github.otherSecret}` };
    const send = edge(plan, { registry: { endpoints: { hook: called } }, env, dependencies });
    const content = { salt: crypto.randomUUID() };
    const deliver = async (at = NOW, secret = github.secret): Promise<Response> => {
      vi.setSystemTime(at);
      return send("/hook", { method: "POST", ...github.sign(secret, content, { id: crypto.randomUUID(), at }) });
    };
    return { called, deliver };
  }

  const told = async (response: Response): Promise<unknown[]> => [
    response.status,
    response.headers.get("Content-Type"),
    await response.text(),
    response.headers.get("Idempotent-Replayed"),
  ];

  it("the method of an endpoint, when the same bytes come again, is not called: its answer is given again, for seven days", async () => {
    const { called, deliver } = counting((request) => Response.json({ at: request.url }, { status: 201 }));
    expect(await told(await deliver())).toEqual([201, "application/json", '{"at":"http://localhost/hook"}', null]);
    const again = [201, "application/json", '{"at":"http://localhost/hook"}', "true"];
    expect(await told(await deliver(NOW + 1))).toEqual(again);
    expect(await told(await deliver(NOW + WEEK - 1))).toEqual(again);
    expect(called).toHaveBeenCalledTimes(1);
    await deliver(NOW + WEEK);
    expect(called).toHaveBeenCalledTimes(2);
  });

  it("the method of an endpoint, when the same bytes come again, is not called for the same bytes under the other secret", async () => {
    const { called, deliver } = counting(() => "x");
    await deliver();
    await deliver(NOW, github.otherSecret);
    expect(called).toHaveBeenCalledTimes(1);
  });

  it("the method of an endpoint, when the same bytes come again, is not called when the retention of runs is over: the status is known still, and no word of the answer", async () => {
    const { called, deliver } = counting(() => "secret answer", {}, 1_000);
    await deliver();
    expect(await told(await deliver(NOW + 1_000))).toEqual([200, null, "", "true"]);
    expect(called).toHaveBeenCalledTimes(1);
  });

  it.each([
    ["is long", () => "x".repeat(10_000), "x".repeat(10_000)],
    ["is no text", () => new Response(Uint8Array.of(255, 0)), "\uFFFD\0"],
  ])(
    "the method of an endpoint, when the same bytes come again, is answered with its status alone if the answer %s",
    async (_, method, text) => {
      const { deliver } = counting(method);
      expect(await (await deliver()).text()).toContain(text);
      expect((await told(await deliver())).slice(1)).toEqual([null, "", "true"]);
    },
  );

  it("the method of an endpoint, when the same bytes come again, gives an answer without a body again", async () => {
    const { deliver } = counting(() => new Response(null, { status: 204 }));
    await deliver();
    expect(await told(await deliver())).toEqual([204, null, "", "true"]);
  });

  it("the method of an endpoint, when the same bytes come again, whose answer's body breaks off has failed, and is called again", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const { called, deliver } = counting(() => {
      if (called.mock.calls.length > 1) return "whole";
      return new Response(
        new ReadableStream({
          pull(controller) {
            controller.error(new Error("the store is gone"));
          },
        }),
      );
    });
    const first = await deliver();
    expect([first.status, await first.json()]).toEqual([500, expect.objectContaining({ code: "endpoint_failed" })]);
    expect(logged.mock.calls.flat().join()).toContain("the store is gone");
    expect(await told(await deliver())).toEqual([200, "application/json", '"whole"', null]);
  });

  it("the method of an endpoint, when the same bytes come again, whose answer's body takes its time is answered meanwhile, and known by its status", async () => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const { called, deliver } = counting(() => new Response(readable, { status: 201 }));
    const writer = writable.getWriter();
    void writer.write(new TextEncoder().encode("be"));
    const first = await deliver();
    expect(first.status).toBe(201);
    const text = first.text();
    await writer.write(new TextEncoder().encode("gun"));
    await writer.close();
    expect(await text).toBe("begun");
    expect(await told(await deliver())).toEqual([201, null, "", "true"]);
    expect(called).toHaveBeenCalledTimes(1);
  });

  it.each([500, 503, 400, 429])(
    "the method of an endpoint, when the same bytes come again, is called again after it has answered %i: its sender may try again",
    async (status) => {
      const { called, deliver } = counting(
        () => new Response(null, { status: called.mock.calls.length > 1 ? 200 : status }),
      );
      expect((await deliver()).status).toBe(status);
      expect((await deliver()).status).toBe(200);
      expect((await deliver()).status).toBe(200);
      expect(called).toHaveBeenCalledTimes(2);
    },
  );

  it("the method of an endpoint, when the same bytes come again, is called once for two at once, and both get its answer", async () => {
    const { called, deliver } = counting(() => ({ n: called.mock.calls.length }));
    const answers = await Promise.all([deliver(), deliver(), deliver()]);
    expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual(['{"n":1}', '{"n":1}', '{"n":1}']);
  });

  it("the method of an endpoint, when the same bytes come again, is not called while it is at work for another request: that is 503, and when to come again, since nothing is accepted yet", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const { called, deliver } = counting(() => "x", {
      callSignedDeliveries: (_env, _endpoint, _digest, call) =>
        call({
          begin: async () => ({ type: "under_way" }),
          finish: async () => undefined,
          forget: async () => undefined,
        }),
    });
    const response = await deliver();
    expect([response.status, response.headers.get("Retry-After"), await response.json()]).toEqual([
      503,
      "5",
      expect.objectContaining({ code: "unavailable" }),
    ]);
    expect(called).not.toHaveBeenCalled();
  });

  it("the method of an endpoint, when the same bytes come again, whose worker has died at work: its sender is told to try again, and it is called again in the end and finds its run", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const runs: string[] = [];
    const dies = new Promise<never>(() => undefined);
    const { called, deliver } = counting(
      async () => {
        runs.push((await triggerTaskWithEvent("echo", "the same")).runId);
        return runs.length === 1 ? dies : "done";
      },
      {
        callSignedDeliveries: (env, endpoint, digest, call) =>
          callSignedDeliveries(env, endpoint, digest, (signed) =>
            call({
              begin: (of, token, leaseMs) => signed.begin(of, token, leaseMs, 0),
              finish: (of, token, answer, keepMs) => signed.finish(of, token, answer, keepMs),
              forget: (of, token) => signed.forget(of, token),
            }),
          ),
      },
    );
    void deliver();
    await vi.waitFor(() => expect(runs).toHaveLength(1), 10_000);
    for (const afterMs of [1_000, 89_999]) {
      const response = await deliver(NOW + afterMs);
      expect([response.status, response.headers.get("Retry-After")]).toEqual([503, "5"]);
    }
    expect(called).toHaveBeenCalledTimes(1);
    expect(await told(await deliver(NOW + 90_000))).toEqual([200, "application/json", '"done"', null]);
    expect(await told(await deliver(NOW + 90_001))).toEqual([200, "application/json", '"done"', "true"]);
    expect(called).toHaveBeenCalledTimes(2);
    expect(new Set(runs).size).toBe(1);
  });

  it("the method of an endpoint, when the same bytes come again, is not called while nobody can say whether the delivery is known: 503", async () => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const { called, deliver } = counting(() => "x", { callSignedDeliveries: () => Promise.reject(new Error("gone")) });
    const response = await deliver();
    expect([response.status, response.headers.get("Retry-After")]).toEqual([503, "2"]);
    expect(called).not.toHaveBeenCalled();
    expect(logged).toHaveBeenCalled();
  });

  it("the method of an endpoint, when the same bytes come again, is called for each GET without a body: nothing of it is signed that tells it from the next", async () => {
    const called = vi.fn<EndpointFunction>(() => "x");
    const plan = planOf([], { endpoints: [endpointPlan("hook", { auth: github.auth })] });
    const send = edge(plan, { registry: { endpoints: { hook: called } }, env: { HOOK_SECRET: "k" } });
    const headers = {
      "x-hub-signature-256": `sha256=${createHmac("sha256", "k").update("").digest("hex")}`,
    };
    for (let index = 0; index < 3; index += 1) expect((await send("/hook", { headers })).status).toBe(200);
    expect(called).toHaveBeenCalledTimes(3);
    for (let index = 0; index < 3; index += 1) await send("/hook", { method: "POST", headers });
    expect(called).toHaveBeenCalledTimes(4);
  });
});
