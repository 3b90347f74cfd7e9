/** How fast the dashboard is, measured in a real browser and printed. Timings are not asserted: the machine may be busy. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { Stage } from "../stage.ts";
import { CHROMIUM, startChromium } from "./chromium.ts";
import { Dashboard } from "./dashboard.ts";

const BEATS = ["beat1", "beat2", "beat3", "beat4", "beat5"];
const WIDE_TASKS = 300;
const WIDE_COLUMNS = 12;
const ITEMS = 10_000;

let stage: Stage;
let browser: Browser;

/** The fixture's own tasks, and 300 in a graph: each row begins where the row before did, and joins come in between. */
function wideConf(): string {
  const own = readFileSync(join(import.meta.dirname, "../fixtures/dashboard/peach.conf"), "utf8");
  const children = (at: number): number[] =>
    at === 0
      ? Array.from({ length: WIDE_COLUMNS }, (_, column) => column + 1)
      : [at + WIDE_COLUMNS, ...(at % 5 === 0 ? [at + WIDE_COLUMNS + 1] : [])].filter((child) => child < WIDE_TASKS);
  const tasks = Array.from({ length: WIDE_TASKS }, (_, at) => {
    const names = children(at).map((child) => `wide_${child}`);
    return `  wide_${at}: {method: html, downstream: [${names.join(", ")}]}\n`;
  });
  return own.replace("endpoints:\n", () => `${tasks.join("")}endpoints:\n`);
}

/** Notes what the browser says of long tasks, of the first content, and when each box came to be shown as succeeded. */
const OBSERVE = `
  window.seen = { longTasks: [], firstPaint: null, succeeded: {} };
  new PerformanceObserver((list) => window.seen.longTasks.push(...list.getEntries().map(({ duration }) => duration)))
    .observe({ type: "longtask", buffered: true });
  new PerformanceObserver((list) => (window.seen.firstPaint = list.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null))
    .observe({ type: "paint", buffered: true });
  const look = () => {
    for (const box of document.querySelectorAll("[data-task]")) {
      const { task } = box.dataset;
      if (!(task in window.seen.succeeded) && box.querySelector("[data-status=succeeded]"))
        window.seen.succeeded[task] = performance.timeOrigin + performance.now();
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);`;

const seenSchema = z.object({
  longTasks: z.array(z.number()),
  firstPaint: z.number().nullable(),
  succeeded: z.record(z.string(), z.number()),
});

async function seen({ page }: Dashboard): Promise<z.infer<typeof seenSchema>> {
  return seenSchema.parse(await page.evaluate("window.seen"));
}

function describeSeen({ firstPaint, longTasks }: z.infer<typeof seenSchema>): string {
  return `first paint ${Math.round(firstPaint ?? 0)} ms, longest task ${Math.round(Math.max(0, ...longTasks))} ms`;
}

describe.skipIf(CHROMIUM === null)("the speed of the dashboard", () => {
  beforeAll(async () => {
    [stage, browser] = await Promise.all([Stage.open("dashboard", wideConf()), startChromium()]);
  });
  afterAll(async () => {
    await browser.close();
    await stage.close();
  });

  it("the dashboard shows the end of each task of a chain soon after it", async () => {
    const dashboard = await Dashboard.open(browser, stage.runtime);
    await dashboard.goto("/runs");
    await dashboard.page.evaluate(OBSERVE);
    const { run_id } = await stage.peach.trigger("beat1");
    await dashboard.show(`/runs/${run_id}`);
    await dashboard.page.locator(".live-live").waitFor();
    await dashboard.boxIs("beat1", "running");
    await expect.poll(() => stage.recorder.waitingAt("beat"), { timeout: 20_000 }).toBe(1);
    stage.recorder.open("beat");
    await dashboard.boxIs("beat5", "succeeded");
    const run = await stage.peach.finished(run_id);
    const { succeeded } = await seen(dashboard);
    const delays = BEATS.map((name) => {
      const end = run.tasks.find(({ task }) => task === name)?.attempts[0]?.finished_at ?? "";
      return (succeeded[name] ?? Number.NaN) - Date.parse(end);
    }).toSorted((a, b) => a - b);
    expect(delays.every((delay) => Number.isFinite(delay))).toBe(true);
    console.log(`dashboard: from a task's end to its box, median ${Math.round(delays[2] ?? 0)} ms`);
    await dashboard.close();
  });

  it("the dashboard shows a run of 300 tasks, drawing only the boxes and rows that are seen", async () => {
    const { run_id } = await stage.peach.trigger("wide_0");
    const dashboard = await Dashboard.open(browser, stage.runtime);
    await dashboard.goto(`/runs/${run_id}`);
    await dashboard.page.evaluate(OBSERVE);
    await dashboard.page.locator(".graph-canvas").waitFor();
    await dashboard.page.locator(".run-head .pill", { hasText: "succeeded" }).waitFor();
    expect(await dashboard.page.locator(".graph").getAttribute("data-tasks")).toBe(String(WIDE_TASKS));
    expect(await dashboard.page.locator("[data-task]").count()).toBeLessThan(WIDE_TASKS);
    await dashboard.page.getByLabel("Find a task in the graph").fill(`wide_${WIDE_TASKS - 1}`);
    await dashboard.page.keyboard.press("Enter");
    await dashboard.boxIs(`wide_${WIDE_TASKS - 1}`, "succeeded");
    const rows = dashboard.page.locator(".timeline-row");
    expect(await rows.count()).toBeLessThan(40);
    await dashboard.page.locator(".timeline .virtual").evaluate((list) => list.scrollTo(0, list.scrollHeight));
    await dashboard.page
      .getByText(`wide_${WIDE_TASKS - 1}`)
      .last()
      .waitFor();
    expect(await rows.count()).toBeLessThan(40);
    console.log(`dashboard: 300 tasks: ${describeSeen(await seen(dashboard))}`);
    await dashboard.close();
  });

  it("the dashboard shows a run of 10,000 items as they go, drawing only those that are seen", async () => {
    const { run_id } = await stage.peach.trigger("many", { count: ITEMS });
    const dashboard = await Dashboard.open(browser, stage.runtime);
    await dashboard.goto(`/runs/${run_id}?task=item`);
    await dashboard.page.evaluate(OBSERVE);
    const rows = dashboard.page.locator(".items .item-row");
    await rows.filter({ hasText: "succeeded" }).first().waitFor();
    expect(await rows.count()).toBeLessThan(40);
    await dashboard.boxIs("item", "succeeded");
    await dashboard.button(/^failed 10$/).click();
    // By its name: in its text the number is followed by the item's duration.
    const last = dashboard.page.getByRole("button", { name: /there is no 9999 / });
    await last.waitFor();
    await dashboard.button(/^all/).click();
    const list = dashboard.page.locator(".items .virtual");
    await list.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await last.click();
    await dashboard.page.getByRole("heading", { name: "Item 9,999" }).waitFor();
    expect(await rows.count()).toBeLessThan(40);
    console.log(`dashboard: 10,000 items, under way: ${describeSeen(await seen(dashboard))}`);
    await dashboard.page.reload();
    await dashboard.page.evaluate(OBSERVE);
    await rows.first().waitFor();
    console.log(`dashboard: 10,000 items, at the end: ${describeSeen(await seen(dashboard))}`);
    await dashboard.close();
  });
});
