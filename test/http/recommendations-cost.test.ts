/** What requests to recommendation endpoints cost: calls of objects, rows, and uses of the cache. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { RecommendationPlan } from "../../src/domain/plan/recommendation-plan.ts";
import { countsOfServing } from "../../src/domain/recommendations/statistics.ts";
import { GatheredCounts } from "../../src/objects/deliveries/recommendation-client.ts";
import { edge, type Send } from "../support/edge.ts";
import { env } from "../support/env.ts";
import { countOperations } from "../support/operations.ts";
import { endpointPlan, planOf } from "../support/plan.ts";

const REQUESTS = 200;

/** Ends the pause after which counts are sent. */
let sendCounts: () => void;
beforeEach(() => {
  const { promise: pause, resolve } = Promise.withResolvers<void>();
  sendCounts = resolve;
  // oxlint-disable-next-line no-restricted-globals
  vi.spyOn(scheduler, "wait").mockImplementation(() => pause);
});
afterEach(() => vi.restoreAllMocks());

function recommender(name: string, plan: Partial<RecommendationPlan>): Send {
  // Its own counts, not those of the isolate, which other tests share.
  const counts = new GatheredCounts();
  const components = ["one", "other"].map((each) => ({ name: each, method: each, weight: 1, timeoutMs: 1_000 }));
  const recommendation = { params: [], split: { by: "request" }, components, cacheMs: null, ...plan } as const;
  const endpoints = [endpointPlan(name, { method: null, methods: ["GET"], recommendation })];
  return edge(planOf([], { endpoints }), {
    withoutToken: true,
    registry: { components: { one: () => ["one"], other: () => ["other"] } },
    dependencies: {
      countServing: (to, lifetime, endpoint, component, serving) =>
        counts.add(to, lifetime, endpoint, component, countsOfServing(serving)),
    },
  });
}

it("a recommendation costs no call of an object and no row; two hundred of them together cost one call, and two rows for each component and one for the batch", async () => {
  const send = recommender("counted", {});
  // An isolate asks for the deployment's key once, and an object makes its tables once.
  await send("/counted");
  await env.DELIVERIES.getByName("counted/recommendations").addCounts("none", []);
  const counted = await countOperations();
  for (let request = 0; request < REQUESTS; request += 1) expect((await send("/counted")).status).toBe(200);
  expect([counted.objectRequests, counted.rowsWritten, counted.r2ClassA, counted.r2ClassB]).toEqual([0, 0, 0, 0]);

  sendCounts();
  await vi.waitFor(() => expect(counted.calls).toEqual({ "DeliveriesObject.addCounts": 1 }), 10_000);
  expect(counted.rowsWritten).toBe(2 * 2 + 1);
});

it("a recommendation in the cache costs one look into the cache, and the component is asked once", async () => {
  const name = `cached_${crypto.randomUUID().slice(0, 8)}`;
  const components = [{ name: "one", method: "one", weight: 1, timeoutMs: 1_000 }];
  const send = recommender(name, { components, cacheMs: 60_000 });
  const [match, put] = [vi.spyOn(caches.default, "match"), vi.spyOn(caches.default, "put")];
  await send(`/${name}`);
  await vi.waitFor(() => expect(put).toHaveBeenCalledOnce(), 10_000);
  await put.mock.results[0]?.value;
  const counted = await countOperations();
  match.mockClear();
  for (let request = 0; request < REQUESTS; request += 1)
    expect((await send(`/${name}`)).headers.get("peach-cache")).toBe("hit");
  expect([match.mock.calls.length, put.mock.calls.length]).toEqual([REQUESTS, 1]);
  expect([counted.objectRequests, counted.rowsWritten]).toEqual([0, 0]);
});
