import { afterEach, describe, expect, it, vi } from "vitest";
import { triggerTaskWithEvent } from "../../src/task-helpers.ts";
import type { EndpointFunction } from "../../src/task/method.ts";
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

  const { "hmac-sha256": unnamed, ...NAMING } = PROVIDERS;

  it.each(Object.entries(NAMING))("by %s: finds its runs again, and starts none", async (_, provider) => {
    const deliver = triggering(provider);
    const id = crypto.randomUUID();
    const first = await deliver(id);
    expect(new Set(first).size).toBe(3);
    // A provider tries again with a new time, and so with a new signature.
    expect(await deliver(id, { at: NOW + 60_000 })).toEqual(first);
    expect(await deliver(crypto.randomUUID())).not.toContainEqual(first[0]);
    expect(await deliver(id, { path: "/hook2" })).not.toContainEqual(first[0]);
  });

  it("twenty times at once starts its runs once", async () => {
    const deliver = triggering(PROVIDERS["standard-webhooks"]);
    const id = crypto.randomUUID();
    const all = await Promise.all(Array.from({ length: 20 }, () => deliver(id)));
    expect(new Set(all.map((runs) => runs.join())).size).toBe(1);
  });

  it("after the endpoint had failed in the middle: finds what was started, and starts the rest", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const deliver = triggering(PROVIDERS.github, { failures: 1 });
    const id = crypto.randomUUID();
    expect(await deliver(id)).toEqual([]);
    const second = await deliver(id);
    expect(new Set(second).size).toBe(3);
    expect(await deliver(id)).toEqual(second);
  });

  it("does not mix up what the method and its fallback trigger", async () => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const deliver = triggering(PROVIDERS.github, { failures: 1, fallback: true });
    const id = crypto.randomUUID();
    const [method, fallback] = await deliver(id);
    expect(fallback).not.toBe(method);
    const [again, next] = await deliver(id);
    expect(again).toBe(method);
    expect(next).not.toBe(fallback);
  });

  it("has the author's own key where there is one", async () => {
    const deliver = triggering(PROVIDERS.github, { key: crypto.randomUUID() });
    const [one] = await deliver(crypto.randomUUID());
    const [other] = await deliver(crypto.randomUUID());
    expect(other).toBe(one);
  });

  it("starts runs each time where the scheme names no delivery", async () => {
    const deliver = triggering(unnamed);
    expect(await deliver("x")).not.toContainEqual((await deliver("x"))[0]);
  });

  it("starts runs each time where a body has no id: a command of Slack, an unusual event of Stripe", async () => {
    for (const [provider, key] of [
      [PROVIDERS.slack, "event_id"],
      [PROVIDERS.stripe, "id"],
    ] as const) {
      const deliver = triggering(provider);
      for (const id of [null, "", 7, { a: 1 }]) {
        const content = { n: 1, [key]: id };
        const [one] = await deliver("ignored", { content });
        const [other] = await deliver("ignored", { content });
        expect([typeof one, one === other]).toEqual(["string", false]);
      }
    }
  });
});
