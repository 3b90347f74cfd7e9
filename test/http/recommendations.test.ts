import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { EndpointPlan } from "../../src/domain/plan/plan.ts";
import type { ParamPlan, RecommendationPlan } from "../../src/domain/plan/recommendation-plan.ts";
import type { Serving } from "../../src/domain/recommendations/statistics.ts";
import type { ComponentContext } from "../../src/execution/author/api.ts";
import { scopeOf } from "../../src/execution/author/context.ts";
import type { ComponentFunction } from "../../src/execution/author/method.ts";
import {
  countClick,
  InvalidRecommendationError,
  type Recommendation,
  readServed,
  verifyRecommendation,
} from "../../src/task-helpers.ts";
import { edge, type EdgeOptions, type Send } from "../support/edge.ts";
import { endpointPlan, planOf } from "../support/plan.ts";

/** Another endpoint for each test: the cache of the platform outlives a test. */
let name: string;
let logged: () => string;
beforeEach(() => {
  name = `rec_${crypto.randomUUID().slice(0, 8)}`;
  const spy = vi.spyOn(console, "error").mockImplementation(() => undefined);
  logged = () => spy.mock.calls.flat().join("\n");
  // Clicks would be sent seconds later, while other tests count what is stored.
  // oxlint-disable-next-line no-restricted-globals
  vi.spyOn(scheduler, "wait").mockReturnValue(new Promise(() => undefined));
});
afterEach(() => vi.restoreAllMocks());

const PARAM: ParamPlan = {
  name: "user",
  type: "string",
  required: true,
  default: null,
  minimum: null,
  maximum: null,
  enum: null,
  pattern: null,
  maxLength: 100,
  description: null,
};

type Components = Readonly<Record<string, ComponentFunction>>;

interface Options extends EdgeOptions {
  readonly endpoint?: Partial<EndpointPlan>;
  readonly recommendation?: Partial<RecommendationPlan>;
  readonly timeoutMs?: number;
  /** Also functions that are no components, such as the fallback. */
  readonly others?: Components;
}

/** What was counted. */
let counted: (Serving & { readonly component: string })[];

/** An endpoint whose components are these functions, all with the weight 1. */
function recommender(components: Components, options: Options = {}): Send {
  counted = [];
  const { endpoint, recommendation, timeoutMs = 1_000, others, dependencies, ...rest } = options;
  const plan = planOf([], {
    endpoints: [
      endpointPlan(name, {
        method: null,
        methods: ["GET"],
        timeoutMs: 1_000,
        recommendation: {
          params: [
            PARAM,
            { ...PARAM, name: "limit", type: "integer", required: false, default: 10, minimum: 1, maximum: 50 },
          ],
          split: { by: "user", param: "user" },
          components: Object.keys(components).map((one) => ({ name: one, method: one, weight: 1, timeoutMs })),
          cacheMs: null,
          ...recommendation,
        },
        ...endpoint,
      }),
      endpointPlan("click", { method: "click" }),
      endpointPlan("verify", { method: "verify", maxBodyBytes: 65_536 }),
    ],
  });
  return edge(plan, {
    withoutToken: true,
    registry: {
      endpoints: {
        click: async (request) => countClick(await request.text()),
        verify: async (request) => {
          try {
            return await verifyRecommendation(await request.text());
          } catch (error) {
            if (error instanceof InvalidRecommendationError) return { refused: true };
            throw error;
          }
        },
      },
      components: { ...components, ...others },
    },
    dependencies: {
      countServing: (_env, _lifetime, _endpoint, component, serving) => void counted.push({ component, ...serving }),
      ...dependencies,
    },
    ...rest,
  });
}

const TOKEN = { headers: { Authorization: "Bearer a-token-for-tests-of-the-edge" } };
const echo: ComponentFunction = (params: Readonly<Record<string, unknown>>) => ({ ...params });
const broken: ComponentFunction = () => {
  throw new Error("the store is down");
};
const never: ComponentFunction = () => new Promise(() => undefined);

const fallbackOf = ({ headers }: Response) => [headers.get("peach-fallback"), headers.get("peach-cache")];
async function told(response: Response): Promise<unknown[]> {
  const { code, detail } = await response.json<{ code?: string; detail?: string }>();
  return [response.status, code, detail];
}

async function claimsOf(send: Send, response: Response): Promise<Recommendation> {
  const token = response.headers.get("peach-recommendation") ?? "";
  return (await send("/verify", { method: "POST", body: token })).json<Recommendation>();
}

describe("a recommendation endpoint", () => {
  it("a recommendation endpoint calls a component with the checked parameters, and answers its value as JSON for this user alone", async () => {
    const response = await recommender({ echo })(`/${name}?user=ada&limit=3&utm_source=mail`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ user: "ada", limit: 3 });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "application/json",
      "cache-control": "private, no-store",
      "peach-component": "echo",
      "x-content-type-options": "nosniff",
    });
    expect(response.headers.has("peach-fallback")).toBe(false);
    expect(response.headers.has("peach-cache")).toBe(false);
    expect(counted).toMatchObject([{ component: "echo", outcome: "served", isHit: false, run: null }]);
  });

  it("a recommendation endpoint refuses every wrong parameter at once, by its name, and asks no component", async () => {
    const response = await recommender({ broken })(`/${name}?limit=99`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "invalid_request",
      errors: [
        { path: "query.user", message: "is missing" },
        { path: "query.limit", message: "must be at most 50" },
      ],
    });
    expect(counted).toEqual([]);
  });

  it("a recommendation endpoint reads the :params of its url like those of the query", async () => {
    const send = recommender({ echo }, { endpoint: { url: "/users/:user/recommendations" } });
    expect(await (await send("/users/ada/recommendations?limit=2")).json()).toEqual({ user: "ada", limit: 2 });
  });

  it("a recommendation endpoint answers a HEAD with its headers, and no body", async () => {
    const response = await recommender({ echo })(`/${name}?user=ada`, { method: "HEAD" });
    expect([response.status, response.headers.get("peach-component"), await response.text()]).toEqual([
      200,
      "echo",
      "",
    ]);
  });

  it("a recommendation endpoint lets pages of the origins in `cors` read its headers, and send its cookies", async () => {
    const send = recommender(
      { echo },
      { endpoint: { cors: { origins: ["https://tv.example"] } }, recommendation: { split: { by: "client" } } },
    );
    const response = await send(`https://peach.test/${name}?user=ada`, { headers: { Origin: "https://tv.example" } });
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe("https://tv.example");
    expect(response.headers.get("Access-Control-Allow-Credentials")).toBe("true");
    expect(response.headers.get("Access-Control-Expose-Headers")).toContain("peach-recommendation");
    expect(response.headers.get("Set-Cookie")).toMatch(
      /^__Host-peach_client=[0-9a-f]{32}; Path=\/; Max-Age=34560000; HttpOnly; Secure; SameSite=None; Partitioned$/,
    );
  });
});

describe("the split of a recommendation endpoint", () => {
  const both = { one: echo, other: echo };

  it("the split of a recommendation endpoint gives a user the same component each time, and users their shares", async () => {
    const send = recommender(both);
    const componentOf = async (user: string) => (await send(`/${name}?user=${user}`)).headers.get("peach-component");
    const users = Array.from({ length: 40 }, (_, index) => `u${index}`);
    const first = await Promise.all(users.map(componentOf));
    expect(await Promise.all(users.map(componentOf))).toEqual(first);
    expect(new Set(first).size).toBe(2);
  });

  it.each([
    ["client", "peach_client", /^peach_client=[0-9a-f]{32}; Path=\/; Max-Age=34560000; HttpOnly; SameSite=Lax$/],
    ["session", "peach_visit", /^peach_visit=[0-9a-f]{32}; Path=\/; HttpOnly; SameSite=Lax$/],
  ] as const)("a split by %s gives a browser a cookie, and the cookie its component", async (by, cookie, form) => {
    const send = recommender(both, { recommendation: { split: { by } } });
    const first = await send(`/${name}?user=ada`);
    const set = first.headers.get("Set-Cookie") ?? "";
    expect(set).toMatch(form);
    const headers = { Cookie: `a=b; ${set.split(";")[0]}` };
    for (let times = 0; times < 10; times += 1) {
      const again = await send(`/${name}?user=eve`, { headers });
      expect(again.headers.get("peach-component")).toBe(first.headers.get("peach-component"));
      expect(again.headers.has("Set-Cookie")).toBe(false);
    }
    const strange = await send(`/${name}?user=ada`, { headers: { Cookie: `${cookie}=<script>` } });
    expect(strange.headers.get("Set-Cookie")).toMatch(form);
  });

  it("over https sets a cookie that only https of this host sends", async () => {
    const send = recommender(both, { recommendation: { split: { by: "session" } } });
    const response = await send(`https://peach.test/${name}?user=ada`);
    expect(response.headers.get("Set-Cookie")).toMatch(
      /^__Host-peach_visit=[0-9a-f]{32}; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
  });

  it("the split of a recommendation endpoint is at random for each request, and for one without a user where the user is optional", async () => {
    for (const recommendation of [
      { split: { by: "request" } as const },
      { params: [{ ...PARAM, required: false }], split: { by: "user", param: "user" } as const },
    ]) {
      const send = recommender(both, { recommendation });
      const user = recommendation.split.by === "request" ? "?user=ada" : "";
      const answers = await Promise.all(Array.from({ length: 60 }, () => send(`/${name}${user}`)));
      expect(new Set(answers.map(({ headers }) => headers.get("peach-component"))).size).toBe(2);
      const [first] = answers;
      expect(first === undefined ? "" : (await claimsOf(send, first)).user).toBeNull();
    }
  });
});

describe("a caller with a token", () => {
  const both = { one: echo, off: broken };

  it("a caller with a token chooses a component, which counts for nothing", async () => {
    const send = recommender({ one: echo, two: echo });
    for (const component of ["one", "two"]) {
      const response = await send(`/${name}?user=ada&component=${component}`, TOKEN);
      expect(response.headers.get("peach-component")).toBe(component);
    }
    expect(counted).toEqual([]);
  });

  it("a caller with a token is told the names where there is no such component", async () => {
    expect(await told(await recommender({ history: echo })(`/${name}?user=ada&component=histry`, TOKEN))).toEqual([
      400,
      "invalid_request",
      'There is no component "histry".',
    ]);
  });

  it.each(["component=one", "debug=1"])("alone may ask for %s", async (query) => {
    const send = recommender(both);
    const noToken = await send(`/${name}?user=ada&${query}`);
    expect((await told(noToken)).slice(0, 2)).toEqual([403, "forbidden"]);
    const wrong = await send(`/${name}?user=ada&${query}`, {
      headers: { Authorization: "Bearer something-else-entirely-wrong" },
    });
    expect(wrong.status).toBe(403);
    expect(counted).toEqual([]);
  });

  it("a caller with a token sees by `debug` what happened", async () => {
    const send = recommender({ off: broken }, { endpoint: { fallback: "echo" }, others: { echo } });
    expect(await (await send(`/${name}?user=ada&debug=1`, TOKEN)).json()).toEqual({
      result: { user: "ada", limit: 10 },
      debug: {
        component: "off",
        fallback: true,
        cache: null,
        ms: expect.any(Number),
        error: "Error: the store is down",
      },
    });
    const response = await recommender({ off: broken })(`/${name}?user=ada&debug=1`, TOKEN);
    expect(await told(response)).toEqual([
      502,
      "recommendation_failed",
      `No component of the endpoint "${name}" has answered. Error: the store is down`,
    ]);
  });
});

describe("a component that fails", () => {
  const fallback = { endpoint: { fallback: "fixed" }, others: { fixed: () => ["top"] } };

  it.each<[string, ComponentFunction]>([
    ["throws", broken],
    ["takes longer than its timeout", never],
    ["returns nothing", () => undefined],
    ["returns a Response", () => Response.json([])],
    ["returns what JSON cannot hold", () => ({ score: NaN })],
    ["returns a bigint", () => 1n],
  ])("a component that fails is replaced by the fallback where it %s", async (_how, component) => {
    const response = await recommender({ component }, { ...fallback, timeoutMs: 30 })(`/${name}?user=ada`);
    expect(await response.json()).toEqual(["top"]);
    expect(response.headers.get("peach-component")).toBe("component");
    expect(fallbackOf(response)).toEqual(["true", null]);
    expect(counted).toMatchObject([{ component: "component", outcome: "fallback" }]);
    expect(logged()).toContain("the component component failed");
  });

  it.each<[string, ComponentFunction, ComponentFunction | null, number, string]>([
    ["it throws, and there is no fallback", broken, null, 502, "recommendation_failed"],
    ["it takes too long, and there is no fallback", never, null, 504, "endpoint_timeout"],
    ["it throws, and the fallback throws", broken, broken, 502, "recommendation_failed"],
    ["it throws, and the fallback takes too long", broken, never, 504, "endpoint_timeout"],
    ["it takes too long, and the fallback throws", never, broken, 502, "recommendation_failed"],
  ])("a failed component gives a status where %s, and no error", async (_how, component, other, status, code) => {
    const send = recommender(
      { component },
      {
        timeoutMs: 20,
        endpoint: { timeoutMs: 20, fallback: other === null ? null : "other" },
        others: other === null ? {} : { other },
      },
    );
    const response = await send(`/${name}?user=ada`);
    expect(response.headers.get("peach-component")).toBe("component");
    const [got, gotCode, detail] = await told(response);
    expect([got, gotCode]).toEqual([status, code]);
    expect(detail).not.toContain("the store is down");
    expect(counted).toMatchObject([{ component: "component", outcome: "failed" }]);
  });

  it("a component that fails is told by its signal that nobody waits any more, and that of the fallback is its own", async () => {
    const signals: AbortSignal[] = [];
    const note: ComponentFunction = (_params, endpoint: ComponentContext) => {
      signals.push(endpoint.signal);
      return endpoint.component === "fallback" ? [] : new Promise(() => undefined);
    };
    await recommender({ note }, { timeoutMs: 20, endpoint: { fallback: "note" } })(`/${name}?user=ada`);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    expect(String(signals[0]?.reason)).toContain("has not answered within 20 ms");
  });

  it("a component that fails finds its signal aborted where it asks for it only after its time", async () => {
    const { promise: asked, resolve } = Promise.withResolvers<AbortSignal>();
    const { promise: answered, resolve: goOn } = Promise.withResolvers<void>();
    const late: ComponentFunction = (_params, endpoint: ComponentContext) =>
      answered.then(() => resolve(endpoint.signal));
    const response = await recommender({ late }, { timeoutMs: 20 })(`/${name}?user=ada`);
    goOn();
    const { aborted, reason } = await asked;
    expect([response.status, aborted, String(reason)]).toEqual([504, true, expect.stringContaining("within 20 ms")]);
  });

  it("a component that fails has what it opened closed when its time is over", async () => {
    const close = vi.fn();
    const open: ComponentFunction = () => new Promise(() => void scopeOf("the test").resources.add("it", close));
    await recommender({ open }, { timeoutMs: 20 })(`/${name}?user=ada`);
    expect(close).toHaveBeenCalledOnce();
  });
});

describe("the cache of a recommendation endpoint", () => {
  const cached = { recommendation: { cacheMs: 60_000 } };

  it("the cache of a recommendation endpoint is asked by component and parameters, and says so", async () => {
    let calls = 0;
    const send = recommender({ count: () => ++calls }, cached);
    const ask = async (query: string) => {
      const response = await send(`/${name}?${query}`);
      return [await response.json(), response.headers.get("peach-cache")];
    };
    expect(await ask("user=ada&limit=10")).toEqual([1, "miss"]);
    expect(await ask("limit=10&user=ada&utm=x")).toEqual([1, "hit"]);
    expect(await ask("user=ada")).toEqual([1, "hit"]);
    expect(await ask("user=ada&limit=11")).toEqual([2, "miss"]);
    expect(await ask("user=eve")).toEqual([3, "miss"]);
    expect(counted.map(({ isHit, outcome }) => isHit || outcome)).toEqual(["served", true, true, "served", "served"]);
  });

  it("the cache of a recommendation endpoint is not asked for `debug`, and not filled by it", async () => {
    let calls = 0;
    const send = recommender({ count: () => ++calls }, cached);
    for (const wanted of [1, 2]) {
      const response = await send(`/${name}?user=ada&debug=1`, TOKEN);
      expect(await response.json()).toMatchObject({ result: wanted, debug: { cache: null } });
      expect(response.headers.has("peach-cache")).toBe(false);
    }
    expect((await send(`/${name}?user=ada`)).headers.get("peach-cache")).toBe("miss");
  });

  it("the cache of a recommendation endpoint asks the component once in a stampede", async () => {
    let calls = 0;
    const { promise, resolve } = Promise.withResolvers<number>();
    const send = recommender({ slow: () => ((calls += 1), promise) }, cached);
    const answers = Array.from({ length: 50 }, () => send(`/${name}?user=ada`));
    await vi.waitFor(() => expect(calls).toBe(1), 10_000);
    resolve(7);
    expect(new Set(await Promise.all((await Promise.all(answers)).map(async (one) => one.text())))).toEqual(
      new Set(["7"]),
    );
    expect(calls).toBe(1);
    expect(counted.filter(({ isHit }) => isHit)).toHaveLength(49);
  });

  it("the cache of a recommendation endpoint keeps no failure: those who waited are told of it and get the fallback, and the next request asks again", async () => {
    let calls = 0;
    const { promise, reject } = Promise.withResolvers<number>();
    const send = recommender(
      { flaky: () => ((calls += 1), calls === 1 ? promise : 5) },
      { ...cached, endpoint: { fallback: "fixed" }, others: { fixed: () => 0 } },
    );
    const answers = Array.from({ length: 5 }, () => send(`/${name}?user=ada`));
    await vi.waitFor(() => expect(calls).toBe(1), 10_000);
    reject(new Error("down"));
    for (const answer of await Promise.all(answers))
      expect([await answer.json(), fallbackOf(answer)]).toEqual([0, ["true", "miss"]]);
    expect([calls, logged().match(/"error":"[^"]*down/g)?.length]).toEqual([1, 5]);
    expect(await (await send(`/${name}?user=ada`)).json()).toBe(5);
  });

  it("the cache of a recommendation endpoint answers from the component where the cache fails", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    vi.spyOn(caches.default, "match").mockRejectedValue(new Error("no cache"));
    vi.spyOn(caches.default, "put").mockRejectedValue(new Error("no cache"));
    const response = await recommender({ echo }, cached)(`/${name}?user=ada`);
    expect([response.status, response.headers.get("peach-cache")]).toEqual([200, "miss"]);
  });
});

describe("the token of a recommendation", () => {
  const inStore = {
    served_by: { run_id: `run_${"0".repeat(26)}`, task: "train", at: "2026-11-29T03:00:00.000Z" },
    value: ["a", "b", "c"],
  };
  const stored = readServed<string[]>(inStore);

  it("the token of a recommendation names no run where a component passes on the JSON of another service", async () => {
    const send = recommender({ partner: () => inStore });
    const response = await send(`/${name}?user=ada`);
    expect(await response.clone().json()).toEqual(inStore);
    expect((await claimsOf(send, response)).run).toBeNull();
  });

  it("the token of a recommendation names endpoint, component, a hash of the user, conf version, time, and the run that computed the result", async () => {
    const send = recommender({ history: () => ({ ...stored, value: stored.value.slice(0, 2) }) });
    const response = await send(`/${name}?user=ada@example.org`);
    expect(await response.clone().json()).toEqual(["a", "b"]);
    const claims = await claimsOf(send, response);
    expect(claims).toEqual({
      endpoint: name,
      component: "history",
      fallback: false,
      user: expect.stringMatching(/^[\w-]{16}$/),
      conf_version: expect.any(String),
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      run: stored.served_by,
    });
    expect(atob((response.headers.get("peach-recommendation") ?? "").split(".")[1] ?? "")).not.toContain("ada");
    const again = await claimsOf(send, await send(`/${name}?user=ada@example.org`));
    const other = await claimsOf(send, await send(`/${name}?user=eve@example.org`));
    expect([again.user === claims.user, other.user === claims.user]).toEqual([true, false]);
  });

  it("the token of a recommendation keeps the run of a result that comes from the cache", async () => {
    const send = recommender({ history: () => stored }, { recommendation: { cacheMs: 60_000 } });
    const put = vi.spyOn(caches.default, "put");
    await send(`/${name}?user=ada`);
    await vi.waitFor(() => expect(put).toHaveBeenCalledOnce(), 10_000);
    await put.mock.results[0]?.value;
    const response = await send(`/${name}?user=ada`);
    expect(response.headers.get("peach-cache")).toBe("hit");
    expect((await claimsOf(send, response)).run).toEqual(stored.served_by);
  });

  it("the token of a recommendation says that the fallback answered", async () => {
    const send = recommender({ broken }, { endpoint: { fallback: "fixed" }, others: { fixed: () => stored } });
    expect(await claimsOf(send, await send(`/${name}?user=ada`))).toMatchObject({
      component: "broken",
      fallback: true,
      run: stored.served_by,
    });
  });

  it.each<[string, (token: string) => string]>([
    [
      "other claims",
      (token) => token.replace(/\.[^.]+\./, `.${btoa('{"e":"x","c":"y","v":"z","t":1}').replaceAll("=", "")}.`),
    ],
    ["another signature", (token) => `${token.slice(0, -3)}AAA`],
    ["no signature", (token) => token.split(".").slice(0, 2).join(".")],
    ["something behind it", (token) => `${token}=`],
    ["another version", (token) => token.replace("rec1", "rec2")],
    ["nothing", () => ""],
    ["ten thousand letters", () => "a".repeat(10_000)],
  ])("the token of a recommendation is refused with %s", async (_what, forge) => {
    const send = recommender({ echo });
    const token = (await send(`/${name}?user=ada`)).headers.get("peach-recommendation") ?? "";
    const ask = async (body: string) => (await send("/verify", { method: "POST", body })).json();
    expect(await ask(token)).toMatchObject({ endpoint: name });
    expect(await ask(forge(token))).toEqual({ refused: true });
  });
});
