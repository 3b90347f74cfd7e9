/** In a file of its own: nothing here has asked for the deployment's key before. */
import { env } from "../support/env.ts";
import { expect, it, vi } from "vitest";
import { edge } from "../support/edge.ts";
import { endpointPlan, planOf } from "../support/plan.ts";

it("a recommendation does not wait for an identity object that is silent: it comes without a token, and the next one with it", async () => {
  const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
  const plan = planOf([], {
    endpoints: [
      endpointPlan("rec", {
        method: null,
        methods: ["GET"],
        recommendation: {
          params: [],
          split: { by: "client" },
          components: [{ name: "one", method: "one", weight: 1, timeoutMs: 1_000 }],
          cacheMs: null,
        },
      }),
    ],
  });
  const { promise: speaks, resolve } = Promise.withResolvers<undefined>();
  const identity = env.IDENTITY.getByName("identity");
  const silent = {
    getByName: () => ({
      deploymentKey: async () => {
        await speaks;
        return identity.deploymentKey();
      },
    }),
  };
  const bindings: Env = Object.create(env, { IDENTITY: { value: silent } });
  const send = edge(plan, {
    withoutToken: true,
    registry: { components: { one: () => [1] } },
    env: { IDENTITY: bindings.IDENTITY },
  });
  const began = performance.now();
  const early = await send("/rec");
  expect([early.status, await early.json(), early.headers.has("peach-recommendation")]).toEqual([200, [1], false]);
  expect(performance.now() - began).toBeLessThan(4_000);
  expect(logged.mock.calls.flat().join()).toContain("the recommendation has no token");
  resolve(undefined);
  await vi.waitFor(async () => expect((await send("/rec")).headers.has("peach-recommendation")).toBe(true), 10_000);
});
