import { driven, NOTHING_LEFT } from "../../support/driven-object.ts";
import { env } from "../../support/env.ts";
import { objectIds } from "../../support/object-ids.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CallerKey, EndpointPlan } from "../../../src/domain/plan/plan.ts";
import { takeTurn } from "../../../src/objects/deliveries/caller-client.ts";
import type { AppDependencies } from "../../../src/http/dependencies.ts";
import { ADMIN_TOKEN, edge } from "../../support/edge.ts";
import { endpointPlan, planOf } from "../../support/plan.ts";

const NOW = Date.UTC(2027, 0, 1);
let name = "";
beforeEach(() => {
  name = `hook_${crypto.randomUUID().slice(0, 8)}`;
  vi.setSystemTime(NOW);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

function serve(by: CallerKey, overrides: Partial<EndpointPlan> = {}, dependencies: Partial<AppDependencies> = {}) {
  const called = vi.fn(() => "x");
  const rateLimit = { limit: 2, perMs: 60_000, by };
  const endpoints = [endpointPlan(name, { method: "hook", rateLimit, ...overrides })];
  const options = { registry: { endpoints: { hook: called } }, dependencies, withoutToken: true };
  const send = edge(planOf([], { endpoints }), options);
  const statusOf = async (headers: Record<string, string> = {}, query = ""): Promise<number> =>
    (await send(`/${name}${query}`, { method: "POST", headers })).status;
  return { called, send, statusOf };
}

const from = (address: string): Record<string, string> => ({ "CF-Connecting-IP": address });

describe("rate_limit", () => {
  it("rate_limit lets so many requests of an address in, and tells the others when to come; the window slides", async () => {
    const { called, send, statusOf } = serve({ type: "ip" });
    expect(await statusOf(from("192.0.2.1"))).toBe(200);
    vi.setSystemTime(NOW + 40_000);
    expect(await statusOf(from("192.0.2.1"))).toBe(200);
    const refused = await send(`/${name}`, { method: "POST", headers: from("192.0.2.1") });
    expect([refused.status, refused.headers.get("Retry-After"), await refused.json()]).toEqual([
      429,
      "20",
      expect.objectContaining({
        code: "rate_limited",
        detail: expect.stringContaining("2 requests of one caller in 60 s"),
      }),
    ]);
    expect(await statusOf(from("192.0.2.2"))).toBe(200);
    vi.setSystemTime(NOW + 60_000);
    expect(await statusOf(from("192.0.2.1"))).toBe(200);
    expect(await statusOf(from("192.0.2.1"))).toBe(429);
    expect(called).toHaveBeenCalledTimes(4);
  });

  it("rate_limit is each endpoint's own: who has to wait at one comes in at the next", async () => {
    const rateLimit = { limit: 1, perMs: 60_000, by: { type: "ip" } } as const;
    const other = `${name}_other`;
    const endpoints = [name, other].map((one) => endpointPlan(one, { method: "hook", rateLimit }));
    const registry = { endpoints: { hook: () => "x" } };
    const send = edge(planOf([], { endpoints }), { registry, withoutToken: true });
    const statuses: number[] = [];
    for (const one of [name, name, other, other])
      statuses.push((await send(`/${one}`, { method: "POST", headers: from("192.0.2.9") })).status);
    expect(statuses).toEqual([200, 429, 200, 429]);
  });

  it("rate_limit counts a /64 of IPv6 as one", async () => {
    const { statusOf } = serve({ type: "ip" });
    const statuses: number[] = [];
    for (const address of ["2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:ffff::3", "2001:db8:1:3::1"])
      statuses.push(await statusOf(from(address)));
    expect(statuses).toEqual([200, 200, 429, 200]);
  });

  it("rate_limit counts by a header or a parameter, and by the address where that is missing", async () => {
    const byHeader = serve({ type: "header", name: "x-client" });
    const statuses: number[] = [];
    for (const client of ["a", "a", "a", "b"])
      statuses.push(await byHeader.statusOf({ "X-Client": client, ...from("192.0.2.1") }));
    for (const address of ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"])
      statuses.push(await byHeader.statusOf(from(address)));
    expect(statuses).toEqual([200, 200, 429, 200, 200, 200, 429, 200]);
    name += "_query";
    const byQuery = serve({ type: "query", name: "client" });
    for (const [query, status] of [
      ["?client=a", 200],
      ["?client=a", 200],
      ["?client=a", 429],
      ["?client=b", 200],
    ] as const)
      expect(await byQuery.statusOf({}, query)).toBe(status);
  });

  it("rate_limit counts by token behind `auth: token`, whatever the address", async () => {
    const { statusOf } = serve({ type: "token" }, { auth: { type: "token" } });
    const token = { Authorization: `Bearer ${ADMIN_TOKEN}` };
    const statuses: number[] = [];
    for (const address of ["192.0.2.1", "192.0.2.2", "192.0.2.3"])
      statuses.push(await statusOf({ ...token, ...from(address) }));
    expect(statuses.slice(2)).toEqual([429]);
    expect(await statusOf(from("192.0.2.4"))).toBe(401);
  });

  it("rate_limit refuses before the signature and the body are looked at", async () => {
    const auth = { type: "signature", scheme: "github", secret: "S" } as const;
    const { statusOf } = serve({ type: "ip" }, { auth });
    expect(await statusOf(from("192.0.2.1"))).toBe(401);
    expect(await statusOf(from("192.0.2.1"))).toBe(401);
    expect(await statusOf(from("192.0.2.1"))).toBe(429);
  });

  it("rate_limit asks nobody about a caller who has to wait: that is remembered", async () => {
    const take = vi.fn(takeTurn);
    const { statusOf } = serve({ type: "ip" }, {}, { takeTurn: take });
    for (let index = 0; index < 10; index += 1) await statusOf(from("192.0.2.1"));
    expect(take).toHaveBeenCalledTimes(3);
  });

  it("rate_limit lets everybody in while nobody counts", async () => {
    const warned = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const { statusOf } = serve({ type: "ip" }, {}, { takeTurn: () => Promise.reject(new Error("gone")) });
    for (let index = 0; index < 3; index += 1) expect(await statusOf(from("192.0.2.1"))).toBe(200);
    expect(warned.mock.calls.flat().join()).toMatch(/could not be counted.*gone/);
  });
});

describe("what is kept of callers", () => {
  const RULE = { limit: 2, perMs: 60_000 };
  const DIGEST = "a".repeat(64);
  const object = () => driven(env.DELIVERIES.getByName(`${name}/callers/a`));

  it("what is kept of callers is known across an eviction, and costs a row for each that is let in, none for others", async () => {
    await takeTurn(env, name, DIGEST, RULE);
    await object().evict();
    const written = await object().rowsWritten(async (callers) => {
      expect([await callers.take(DIGEST, RULE), await callers.take(DIGEST, RULE)]).toEqual([null, NOW + 60_000]);
    });
    expect(written).toBe(1);
  });

  it("what is kept of callers is a digest, in sixteen objects, and gone when the window is over", async () => {
    const before = new Set((await objectIds("DeliveriesObject", env.DELIVERIES)).map(String));
    for (const digit of "0123456789abcdef") await takeTurn(env, name, digit.repeat(64), RULE);
    expect((await objectIds("DeliveriesObject", env.DELIVERIES)).filter((id) => !before.has(String(id)))).toHaveLength(
      16,
    );
    vi.setSystemTime(NOW + 60_000);
    await object().wake();
    expect(await object().left()).toEqual(NOTHING_LEFT);
  });
});
