import { expect, it } from "vitest";
import { countClick, type Served, servedBy, triggerTaskWithEvent, verifyRecommendation } from "peach/task-helpers";
import { testPipeline } from "peach/testing";

const CONF = `
tasks:
  train: {method: train}
endpoints:
  recommendations:
    params: {user: {type: string, required: true}, limit: {type: integer, default: 2}}
    split: {by: user, param: user}
    components:
      history: {method: by_history, weight: 80, timeout: 200ms}
      popular: {method: by_popularity, weight: 20}
    fallback: editors_choice
    cache: 60s
  clicked: {method: clicked, auth: none}
`;

/** A store that takes its time: the test moves its clock. */
// oxlint-disable-next-line no-restricted-globals
const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

/** The store of the test: what the task has computed. */
function project() {
  const store = new Map<string, Served<string[]>>();
  let asked = 0;
  return {
    asked: () => asked,
    pipelines: {
      train: (payload: { user: string; items: string[] }) => {
        store.set(payload.user, servedBy(payload.items));
      },
      by_history: async ({ user, limit }: { user: string; limit: number }) => {
        asked += 1;
        if (user === "slow") await pause(10_000);
        const stored = store.get(user);
        if (stored === undefined) throw new Error("nothing is known of this user");
        return { ...stored, value: stored.value.slice(0, limit) };
      },
      by_popularity: () => ["popular"],
      editors_choice: () => ["editors"],
      clicked: async (request: Request) => {
        const token = await request.text();
        await countClick(token);
        const { run } = await verifyRecommendation(token);
        await triggerTaskWithEvent("train", { user: "clicked", items: [run?.run_id ?? ""] });
      },
    },
  };
}

it("testPipeline serves recommendations as a deployment does: split, cache, time limit, fallback, token, clicks and counts", async () => {
  const { pipelines, asked } = project();
  const peach = await testPipeline({ now: "2026-11-29T10:00:00Z", conf: CONF, pipelines });
  const run = await peach.trigger("train", { user: "ada", items: ["a", "b", "c"] });
  const ask = async (query: string) => {
    const response = await peach.request(`/recommendations?${query}`);
    const { headers } = response;
    return {
      headers,
      value: await response.json(),
      cache: headers.get("peach-cache"),
      component: headers.get("peach-component"),
    };
  };

  // "ada" and "slow" are users of history, "u1" of popular: split.test.ts has the hash.
  const first = await ask("user=ada");
  expect(first).toMatchObject({ value: ["a", "b"], cache: "miss", component: "history" });
  expect(await ask("user=ada")).toMatchObject({ value: ["a", "b"], cache: "hit", component: "history" });
  expect(asked()).toBe(1);
  await peach.advance("61s");
  expect(await ask("user=ada")).toMatchObject({ value: ["a", "b"], cache: "miss" });

  const before = peach.now.getTime();
  const late = await ask("user=slow");
  expect([late.value, late.headers.get("peach-fallback")]).toEqual([["editors"], "true"]);
  expect(peach.now.getTime() - before).toBe(200);

  const missing = await peach.request("/recommendations");
  expect([missing.status, await missing.json()]).toMatchObject([400, { errors: [{ path: "query.user" }] }]);

  const click = async (headers: Headers) =>
    peach.request("/clicked", { method: "POST", body: headers.get("peach-recommendation") ?? "" });
  expect((await click(first.headers)).status).toBe(202);
  expect((await click(late.headers)).status).toBe(202);
  expect((await click(new Headers({ "peach-recommendation": "rec1.x.y" }))).status).toBe(500);
  // From a click to the computation that caused it.
  expect(peach.runs.at(-2)?.document).toMatchObject({ task: "train" });

  await peach.advance("6s");
  const headers = { authorization: `Bearer ${peach.token}` };
  const counts: unknown = await (await peach.request("/api/v1/recommendations/recommendations", { headers })).json();
  expect(counts).toMatchObject({
    window: "24h",
    fallback_clicks: 1,
    components: [
      {
        component: "history",
        share: 1,
        served: 3,
        fallback: 1,
        failed: 0,
        cache_hits: 1,
        clicks: 1,
        run: { run_id: run.id, task: "train" },
      },
      { component: "popular", share: 0, served: 0, clicks: 0, run: null },
    ],
  });
  const metrics = await (await peach.request("/api/v1/metrics", { headers })).text();
  expect(metrics).toContain(
    `peach_recommendations_total{endpoint="recommendations",component="history",outcome="served"} 3`,
  );
  expect(metrics).toContain(
    `peach_recommendations_total{endpoint="recommendations",component="history",outcome="fallback"} 1`,
  );
  expect(metrics).toContain(`peach_recommendation_clicks_total{endpoint="recommendations",component="fallback"} 1`);
  expect(metrics).toContain(`peach_recommendation_seconds_count{endpoint="recommendations",component="history"} 4`);

  const tried = await peach.request("/api/v1/recommendations/recommendations/try?query=user%3Dada&component=popular", {
    headers,
  });
  expect(await tried.json()).toMatchObject({ result: ["popular"], debug: { component: "popular", fallback: false } });
});
