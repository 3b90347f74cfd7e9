/** Recommendation endpoints on the local runtime: its cache, its clock, its requests side by side. */
import { beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { seriousFaults } from "./dashboard/accessibility.ts";
import { CHROMIUM, startChromium } from "./dashboard/chromium.ts";
import { Dashboard } from "./dashboard/dashboard.ts";
import { Stage } from "./stage.ts";

const WAIT = { timeout: 30_000, interval: 100 };

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open("recommendations");
  return () => stage.close();
});

function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(stage.runtime.url + path, { headers });
}

async function trained(user: string): Promise<string> {
  const { run_id } = await stage.peach.trigger("train", { user });
  await stage.peach.finished(run_id);
  return run_id;
}

async function asked(): Promise<{ readonly calls: number; readonly aborted: number }> {
  return z.object({ calls: z.number(), aborted: z.number() }).parse(await (await get("/asked")).json());
}

describe("a recommendation endpoint on the local runtime", () => {
  it("a recommendation endpoint on the local runtime answers from the component, then from the platform's cache, with a token that names the run", async () => {
    const run_id = await trained("ada");
    const first = await get("/recommendations?user=ada&limit=2");
    expect([await first.json(), first.headers.get("peach-cache")]).toEqual([["a", "b"], "miss"]);
    const again = await get("/recommendations?limit=2&user=ada");
    expect([await again.json(), again.headers.get("peach-cache")]).toEqual([["a", "b"], "hit"]);
    const token = again.headers.get("peach-recommendation") ?? "";
    const click = await fetch(`${stage.runtime.url}/clicked`, { method: "POST", body: token });
    expect(await click.json()).toMatchObject({ endpoint: "recommendations", component: "history", run: { run_id } });
  });

  it("a recommendation endpoint on the local runtime asks the component once for fifty requests at the same time", async () => {
    await trained("stampede");
    const before = (await asked()).calls;
    const answering = Promise.all(Array.from({ length: 50 }, () => get("/recommendations?user=stampede")));
    await vi.waitFor(() => expect(stage.recorder.waitingAt("stampede")).toBe(1), WAIT);
    // Requests that were sent before this one have come when it is answered.
    await asked();
    stage.recorder.open("stampede");
    const answers = await answering;
    const values = await Promise.all(answers.map((answer) => answer.text()));
    expect(new Set(values)).toEqual(new Set(['["a","b","c"]']));
    expect(answers.filter(({ headers }) => headers.get("peach-fallback") !== null)).toEqual([]);
    expect((await asked()).calls - before).toBe(1);
  });

  it("a recommendation endpoint on the local runtime answers from the fallback when the component has taken too long, and aborts its signal", async () => {
    const before = (await asked()).aborted;
    const authorization = `Bearer ${stage.runtime.token}`;
    const response = await get("/recommendations?user=ada&component=hanging&debug=1", { authorization });
    expect(await response.json()).toMatchObject({
      result: ["editors"],
      debug: { component: "hanging", fallback: true, error: "TimeoutError: it has not answered within 150 ms" },
    });
    expect((await asked()).aborted - before).toBe(1);
    expect((await get("/recommendations?user=ada&component=hanging")).status).toBe(403);
  });

  it("a recommendation endpoint on the local runtime knows a browser by its cookie", async () => {
    const first = await get("/browsers");
    const cookie = first.headers.get("Set-Cookie")?.split(";")[0] ?? "";
    expect(cookie).toMatch(/^peach_client=[0-9a-f]{32}$/);
    const component = first.headers.get("peach-component");
    for (let times = 0; times < 8; times += 1) {
      const again = await get("/browsers", { cookie });
      expect([again.headers.get("peach-component"), again.headers.has("Set-Cookie")]).toEqual([component, false]);
    }
  });

  it("a recommendation endpoint on the local runtime counts its answers and clicks a few seconds later", async () => {
    const authorization = `Bearer ${stage.runtime.token}`;
    await vi.waitFor(async () => {
      const response = await get("/api/v1/recommendations/recommendations", { authorization });
      expect(await response.json()).toMatchObject({
        components: [
          { component: "history", share: 1, served: 52, failed: 0, clicks: 1 },
          { component: "hanging", served: 0 },
        ],
      });
    }, WAIT);
  });
});

describe.skipIf(CHROMIUM === null)("the page Recommendations", () => {
  it("the page Recommendations shows the components side by side, links the run that computed what is served, and tries a component", async () => {
    const browser = await startChromium();
    try {
      for (const theme of ["light", "dark"] as const) {
        const dashboard = await Dashboard.open(browser, stage.runtime, { theme, width: 390 });
        const { page } = dashboard;
        await dashboard.goto("/recommendations");
        await page.getByRole("meter", { name: "Share of history" }).waitFor();
        expect(await page.getByRole("link", { name: /^train run_/ }).getAttribute("href")).toMatch(
          /^\/dashboard\/runs\/run_\w{26}\?task=train$/,
        );
        expect(await seriousFaults(dashboard, theme)).toEqual([]);
        await page.getByRole("link", { name: "recommendations", exact: true }).click();
        await page.getByRole("heading", { level: 1, name: "recommendations" }).waitFor();
        await dashboard.button("Ask").click();
        await page.getByText("query.user").waitFor();
        await page.getByLabel(/^user/).fill("ada");
        await page.getByLabel("limit").fill("1");
        await page.getByLabel("Component", { exact: true }).selectOption("history");
        await dashboard.button("Ask").click();
        await page.getByText("1 item").waitFor();
        expect(await seriousFaults(dashboard, theme)).toEqual([]);
        expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
        expect(dashboard.faults).toEqual([]);
        await dashboard.close();
      }
    } finally {
      await browser.close();
    }
  });
});
