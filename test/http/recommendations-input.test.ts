import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { EndpointPlan, Plan } from "../../src/domain/plan/plan.ts";
import type { ComponentFunction } from "../../src/execution/author/method.ts";
import { InvalidRecommendationError, verifyRecommendation } from "../../src/task-helpers.ts";
import { ADMIN_TOKEN, edge, type Send } from "../support/edge.ts";
import { endpointPlan, planOf } from "../support/plan.ts";

/** Another endpoint for each test: the cache of the platform outlives a test. */
let name: string;
beforeEach(() => {
  name = `rec_${crypto.randomUUID().slice(0, 8)}`;
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(() => vi.restoreAllMocks());

const TOKEN = { headers: { Authorization: `Bearer ${ADMIN_TOKEN}` } };

function recommendationPlan(
  given: Partial<EndpointPlan>,
  cacheMs: number | null = null,
  by: "user" | "client" = "user",
): Plan {
  const param = { name: "user", type: "string", required: true, default: null, minimum: null } as const;
  return planOf([], {
    endpoints: [
      endpointPlan(name, {
        method: null,
        methods: ["GET"],
        fallback: "fixed",
        recommendation: {
          params: [{ ...param, maximum: null, enum: null, pattern: null, maxLength: 100, description: null }],
          split: by === "user" ? { by, param: "user" } : { by },
          components: [{ name: "one", method: "one", weight: 1, timeoutMs: 1_000 }],
          cacheMs,
        },
        ...given,
      }),
      endpointPlan("verify", { method: "verify", maxBodyBytes: 65_536 }),
    ],
  });
}

/** An endpoint with one component, and the fallback ["top"]. */
function recommender(
  component: ComponentFunction,
  cacheMs: number | null = null,
  by: "user" | "client" = "user",
  fallback = "fixed",
): Send {
  return edge(recommendationPlan({ fallback }, cacheMs, by), {
    withoutToken: true,
    registry: {
      endpoints: {
        verify: async (request) => {
          try {
            return await verifyRecommendation(await request.text());
          } catch (error) {
            if (error instanceof InvalidRecommendationError) return { refused: true };
            throw error;
          }
        },
      },
      components: { one: component, fixed: () => ["top"], broken: component },
    },
  });
}

describe("the token of a recommendation", () => {
  it("the token of a recommendation has one form: letters that stand for the same bytes are refused, so a token can be a key", async () => {
    const send = recommender(() => []);
    const token = (await send(`/${name}?user=ada`)).headers.get("peach-recommendation") ?? "";
    // The last of 43 letters has two bits that no byte needs.
    const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const last = letters.indexOf(token.at(-1) ?? "");
    const forms = [0, 1, 2, 3].map((bits) => `${token.slice(0, -1)}${letters[last ^ bits]}`);
    const answers = await Promise.all(
      forms.map(async (body) => (await send("/verify", { method: "POST", body })).json<{ refused?: boolean }>()),
    );
    expect(answers.map(({ refused = false }) => refused)).toEqual([false, true, true, true]);
  });
});

describe("a component that throws", () => {
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  const unreadable = (): never => {
    throw new Error("cannot be read");
  };
  const silent = Object.defineProperties(new Error("x"), { message: { get: unreadable }, stack: { get: unreadable } });
  it.each<[string, unknown, string]>([
    ["an object without a prototype", Object.create(null), "{}"],
    ["an object that contains itself", cyclic, "[object Object]"],
    ["a bigint", 1n, "1"],
    ["undefined", undefined, "null"],
    ["null", null, "null"],
    ["a text", "down", '"down"'],
    ["an error that cannot be read", silent, "a thrown value that has no text"],
    ["a proxy that cannot be read", new Proxy({}, { getPrototypeOf: unreadable }), "[object Object]"],
  ])("%s is replaced by the fallback all the same", async (_what, thrown, said) => {
    const send = recommender(() => {
      throw thrown;
    });
    const response = await send(`/${name}?user=ada`);
    expect([response.status, await response.text()]).toEqual([200, '["top"]']);
    const debug = await send(`/${name}?user=ada&debug=1`, TOKEN);
    expect(await debug.json()).toMatchObject({ result: ["top"], debug: { fallback: true, error: said } });
  });
});

describe("the cache of recommendations", () => {
  it("the cache of recommendations is given up where it does not answer: the component answers", async () => {
    vi.spyOn(caches.default, "match").mockReturnValue(new Promise(() => undefined));
    const response = await recommender(() => [1], 60_000)(`/${name}?user=ada`);
    expect([await response.json(), response.headers.get("peach-cache")]).toEqual([[1], "miss"]);
  });

  it("the cache of recommendations has keys that tell no other worker of the zone who asked for what", async () => {
    const put = vi.spyOn(caches.default, "put");
    await recommender(() => [1], 60_000)(`/${name}?user=ada@example.org`);
    await vi.waitFor(() => expect(put).toHaveBeenCalledOnce(), 10_000);
    const [key] = put.mock.calls[0] ?? [];
    expect(key).toMatch(/^https:\/\/recommendations\.peach\.invalid\/[\w-]{43}$/);
  });
});

describe("a trial of a recommendation endpoint", () => {
  it("a trial of a recommendation endpoint leaves the cookie of the browser as it is, which has a component by its own requests", async () => {
    const send = recommender(() => [1], null, "client");
    const trial = await send(`/api/v1/recommendations/${name}/try?query=user%3Dada`, TOKEN);
    expect(await trial.json()).toMatchObject({ result: [1] });
    const debug = await send(`/${name}?user=ada&debug=1`, TOKEN);
    const plain = await send(`/${name}?user=ada`);
    expect([trial, debug, plain].map(({ headers }) => headers.has("Set-Cookie"))).toEqual([false, false, true]);
  });

  it.each([
    ["none", "read", 200],
    ["token", "read", 403],
    ["token", "admin", 200],
  ] as const)(
    "a trial of a recommendation endpoint with `auth: %s` by a token with the scope %s is %i: it is no way around that right",
    async (auth, scope, status) => {
      const token = "t".repeat(40);
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token))).toHex();
      const endpoint = recommendationPlan({ auth: { type: auth } });
      const send = edge(endpoint, {
        env: { PEACH_API_TOKENS: `desk:${scope}:${digest}` },
        registry: { endpoints: {}, components: { one: () => [1], fixed: () => ["top"] } },
      });
      const headers = { Authorization: `Bearer ${token}` };
      const trial = await send(`/api/v1/recommendations/${name}/try?query=user%3Dada`, { headers });
      expect(trial.status).toBe(status);
    },
  );
});

describe("the deliveries of a recommendation endpoint", () => {
  it.each(["limit=3", "user=ada&debug=1", "user=ada&component=one"])(
    "the deliveries of a recommendation endpoint keep a failure, however often strangers are refused for %s",
    async (query) => {
      const send = recommender(
        () => {
          throw new Error("down");
        },
        null,
        "user",
        "broken",
      );
      await send(`/${name}?user=ada`);
      for (let index = 0; index < 60; index += 1)
        await send(`/${name}?${query}`, { headers: { "CF-Connecting-IP": `2001:db8:1:${index}::1` } });
      const kept = async (): Promise<unknown[]> => {
        const page = await send(`/api/v1/endpoints/${name}/deliveries?limit=100`, TOKEN);
        const { deliveries } = await page.json<{ deliveries: { status: number; refused: unknown }[] }>();
        return deliveries.map(({ status, refused }) => [status, refused !== null]);
      };
      await vi.waitFor(async () => expect((await kept()).length).toBeGreaterThan(30), 10_000);
      const all = await kept();
      expect(all).toContainEqual([502, false]);
      expect(all).not.toContainEqual([query.startsWith("user") ? 403 : 400, false]);
    },
  );
});
