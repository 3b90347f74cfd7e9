/** Graphs of thousands of tasks in a real browser, of made runs: the page alone is under test. */
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { madeGraph, mosaicGraph } from "../../../scripts/bench/dashboard/graphs.ts";
import { CHROMIUM } from "./chromium.ts";
import { useMadeRuns } from "./made-runs.ts";

/** So many boxes may be in the document at once, whatever the size of the graph. */
const FEW = 320;

const SOON = { timeout: 20_000 };

let page: Page;
let url: string;

async function show(run: string): Promise<void> {
  await page.goto(`${url}/dashboard/runs/${run}`);
  await page.locator(".graph-canvas").waitFor();
}

/** The name of the task or group whose box has the focus. */
async function focused(): Promise<unknown> {
  return page.evaluate("document.activeElement.closest('[data-task]')?.dataset.task ?? null");
}

function boxes(): Promise<number> {
  return page.locator("[data-task]").count();
}

describe.skipIf(CHROMIUM === null)("large graphs in the dashboard", () => {
  useMadeRuns(
    {
      run_mosaic: { graph: mosaicGraph(1_739), failsEach: 400 },
      run_2000: { graph: madeGraph(2_000), failsEach: 700 },
      run_5000: { graph: madeGraph(5_000) },
    },
    (opened, address) => {
      page = opened;
      url = address;
    },
  );

  it("a mosaic of 1,739 tasks is eight boxes, and the way to its failures opens their group", async () => {
    await show("run_mosaic");
    expect(await page.locator(".graph").getAttribute("data-tasks")).toBe("1739");
    expect(await boxes()).toBe(8);
    const group = page.getByRole("button", { name: /mDiffFit_ID × 1,042.*3 failed, 1,039 succeeded/ });
    expect(await group.getAttribute("aria-expanded")).toBe("false");
    const next = page.getByRole("button", { name: "Next of 4 failures" });
    await next.click();
    await expect.poll(focused, SOON).toBe("mDiffFit_ID0000052");
    await next.click();
    await expect.poll(focused, SOON).toBe("mDiffFit_ID0000452");
    expect(await page.locator(".graph-canvas").getAttribute("data-drawn")).toBe(String(8 + 1_042));
    expect(await boxes()).toBeLessThan(FEW);
    await page.keyboard.press("Enter");
    await page.getByText("no disk for mDiffFit_ID0000452").waitFor();
    await page.locator(".graph-place").evaluate((place) => place.scrollTo(0, 0));
    await page.getByRole("button", { name: "mDiffFit_ID × 1,042" }).focus();
    await page.keyboard.press("Enter");
    await expect.poll(boxes, SOON).toBe(8);
  });

  it("a graph of 2,000 unlike tasks has few of its boxes in the document, and any is found by its name and by arrow keys", async () => {
    await show("run_2000");
    expect(await page.locator(".graph").getAttribute("data-nodes")).toBe("2000");
    const failed = madeGraph(2_000)[699]?.task ?? "";
    // It opens where something failed.
    expect(await page.locator(`[data-task="${failed}"]`).isVisible()).toBe(true);
    const last = madeGraph(2_000)[1_999]?.task ?? "";
    await page.getByLabel("Find a task in the graph").fill(last);
    await page.keyboard.press("Enter");
    await expect.poll(focused, SOON).toBe(last);
    await page.keyboard.press("ArrowLeft");
    await expect.poll(focused, SOON).not.toBe(last);
    const parent = String(await focused());
    expect(madeGraph(2_000).find(({ task }) => task === parent)?.downstream).toContain(last);
    expect(await boxes()).toBeLessThan(FEW);
  });

  it("a graph of 5,000 tasks is seen as a whole from afar, and a click comes nearer", async () => {
    await show("run_5000");
    await page.getByRole("button", { name: "Fit" }).click();
    await page.locator(".graph-canvas.is-overview").waitFor();
    expect(await boxes()).toBe(0);
    const place = page.locator(".graph-place");
    const isWhole = await place.evaluate((area) => area.scrollWidth <= area.clientWidth + 1);
    expect(isWhole).toBe(true);
    await place.click();
    await expect.poll(boxes, SOON).toBeGreaterThan(10);
    expect(await boxes()).toBeLessThan(FEW);
  });

  it("thousands of tasks to trigger are a list with roots first, few rows and a search", async () => {
    await page.goto(`${url}/dashboard/triggers/tasks`);
    const rows = page.getByRole("list", { name: "Tasks" }).getByRole("listitem");
    await rows.first().waitFor();
    expect(await rows.count()).toBeLessThan(40);
    expect(await rows.first().getAttribute("aria-setsize")).toBe(String(1_739 + 2_000 + 5_000));
    const notes = await rows.locator(".muted").allTextContents();
    // The three graphs have a root each.
    expect(notes.slice(0, 4).map((note) => note === "root task")).toEqual([true, true, true, false]);
    await page.getByLabel("Find in tasks").fill("mImgtbl");
    await expect.poll(() => rows.count(), SOON).toBe(1);
    expect(await rows.locator(".muted").textContent()).toBe(
      "after mBackground_ID0000000, mBackground_ID0000001, mBackground_ID0000002 and 343 more",
    );
    await rows.getByRole("link").click();
    await page.getByRole("region", { name: "Trigger mImgtbl" }).waitFor();
  });

  it("a graph is drawn also if the browser does not load the script that lays it out", async () => {
    await page.route(/assets\/layout-/, (route) => route.abort());
    await show("run_2000");
    expect(await boxes()).toBeGreaterThan(10);
  });
});
