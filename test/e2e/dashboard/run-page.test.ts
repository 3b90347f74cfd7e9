/** The views of a run's page in a real browser, of made runs: the page alone is under test. */
import type { Page, Request } from "playwright-core";
import { describe, expect, it } from "vitest";
import { madeGraph } from "../../../scripts/bench/dashboard/graphs.ts";
import { CHROMIUM } from "./chromium.ts";
import { useMadeRuns } from "./made-runs.ts";

/** So many rows may be in the document at once, whatever the length of the log. */
const FEW = 60;
const SOON = { timeout: 20_000 };
const MAP = [
  { task: "split", downstream: ["work"] },
  { task: "work", downstream: ["join"] },
  { task: "join", downstream: [] },
];

const JOIN = [
  ...Array.from({ length: 45 }, (_, at) => ({ task: `p${at}`, downstream: ["join"] })),
  { task: "join", downstream: [] },
];

/** Of each name of the timeline: whether its start is more than the dots, and its end is whole. Runs in the browser. */
const CUT_NAMES = `[...document.querySelectorAll(".timeline-row .name")].map((name) => {
  return [name.children[0].clientWidth >= 20, name.scrollWidth <= name.clientWidth];
})`;

/** The longest name that a task may have. */
function longest(task: string): string {
  return `${task}_`.padEnd(64, "x");
}

const LONG_NAMES = madeGraph(8).map(({ task, downstream }) => ({
  task: longest(task),
  downstream: downstream.map(longest),
}));

let page: Page;
let url: string;

function lines(): Promise<string[]> {
  return page.locator(".log-message").allTextContents();
}

describe.skipIf(CHROMIUM === null)("the views of a run", () => {
  useMadeRuns(
    {
      run_log: { graph: madeGraph(100), lines: 1_000, failsEach: 30 },
      run_map: { graph: MAP, items: 10_000, lines: 3 },
      run_2000: { graph: madeGraph(2_000) },
      run_join: { graph: JOIN },
      run_long: { graph: LONG_NAMES, failsEach: 3 },
    },
    (opened, address) => {
      page = opened;
      url = address;
    },
  );

  it("the log has all 100,000 lines of all tasks in one order, opens at the first error, and draws only what is seen", async () => {
    await page.goto(`${url}/dashboard/runs/run_log?view=log`);
    await page.getByText("100,003 lines", { exact: true }).waitFor();
    await expect.poll(() => page.locator(".log-line.log-error").count(), SOON).toBeGreaterThan(0);
    expect(await page.locator(".log-line").count()).toBeLessThan(FEW);
    expect(await page.getByRole("list", { name: "Log of the run" }).locator("[aria-setsize='100003']").count()).toBe(
      await page.locator(".log-line").count(),
    );
    await page.getByRole("button", { name: "error", exact: true }).click();
    // Of a thousand lines of each task ten are errors, and three tasks failed.
    await page.getByText("1,003 of 100,003 lines").waitFor();
    await page.getByLabel("Search in the log").fill("no disk");
    await page.getByText("3 of 100,003 lines").waitFor();
    for (const text of await lines()) expect(text).toMatch(/^attempt 1 failed: Error: no disk for \w+$/);
  });

  it("a line of the log has an address, which opens it whole", async () => {
    const task = madeGraph(100)[4]?.task ?? "";
    await page.goto(`${url}/dashboard/runs/run_log?view=log`);
    await page.getByText("100,003 lines", { exact: true }).waitFor();
    await page.getByLabel("Search in the log").fill(`line 715 of ${task}`);
    await page.getByRole("button", { name: `line 715 of ${task}` }).click();
    const opened = page.url();
    expect(opened).toContain(`line=${task}.1.715`);
    await page.goto(opened);
    const open = page.getByRole("region", { name: "The open line" });
    await open.getByText(`line 715 of ${task}`).waitFor();
    await open.getByText("rows").waitFor();
    // Task 4 begins at 80 ms, and writes every 10 ms; browsers of tests are in the zone of the machine.
    const at = new Date("2026-11-22T10:00:07.230Z");
    const shown = [at.getHours(), at.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
    await open.getByText(`${shown}:07.230`).waitFor();
    await page.locator(".log-line.is-chosen time", { hasText: `${shown}:07.230` }).waitFor();
    await page.getByText("100,003 lines", { exact: true }).waitFor();
    await expect.poll(() => page.locator(".log-line.is-chosen").isVisible(), SOON).toBe(true);
  });

  it("the log of a task keeps its place while one reads, and never scrolls to the end by itself when the run is over", async () => {
    const task = madeGraph(100)[0]?.task ?? "";
    await page.goto(`${url}/dashboard/runs/run_log?task=${task}&tab=log`);
    await page.getByText("1,000 lines", { exact: true }).waitFor();
    const list = page.getByRole("list", { name: `Log of ${task}` });
    await expect.poll(() => list.evaluate((element) => element.scrollTop), SOON).toBeGreaterThan(0);
    await list.evaluate((element) => element.scrollTo(0, 4_400));
    const isThere = async (): Promise<boolean> => (await lines()).some((text) => text.startsWith("line 200 "));
    await expect.poll(isThere, SOON).toBe(true);
    expect(await list.evaluate((element) => element.scrollTop)).toBe(4_400);
  });

  it("the log of a run leads to the log of an item by its number, and the address names the item", async () => {
    await page.goto(`${url}/dashboard/runs/run_map?view=log`);
    const field = page.getByLabel("Item of work");
    await field.fill("10000");
    expect(await page.getByRole("button", { name: "Show its log" }).isEnabled()).toBe(false);
    await field.fill("9999");
    await field.press("Enter");
    await page.getByRole("heading", { name: "Item 9,999 of work" }).waitFor();
    expect(new URL(page.url()).searchParams.get("of")).toBe("work.9999");
    await page.reload();
    await page.getByRole("heading", { name: "Item 9,999 of work" }).waitFor();
    await page.getByRole("list", { name: "Log of item 9999 of work" }).getByText("line 0 of work").waitFor();
  });

  it("the timeline shows the items of a map as one area, and the panel ten thousand of them in few rows", async () => {
    await page.goto(`${url}/dashboard/runs/run_map?task=work`);
    await page.locator(".segment-items[title*='10,000 attempts']").waitFor();
    expect(await page.locator(".segment-items path").count()).toBe(1);
    const items = page.getByRole("list", { name: "Items of work" });
    await items.getByRole("listitem").first().waitFor();
    await items.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await page.getByRole("button", { name: /^9,999/ }).waitFor();
    expect(await items.getByRole("listitem").count()).toBeLessThan(FEW);
  });

  it("the timeline of 2,000 tasks draws few rows, and shows a part of the time by the pointer and by buttons", async () => {
    await page.goto(`${url}/dashboard/runs/run_2000`);
    const marks = page.locator(".timeline-mark");
    await expect.poll(() => marks.last().textContent(), SOON).toBe("40 s");
    expect(await page.locator(".timeline-row").count()).toBeLessThan(FEW);
    const axis = await page.locator(".timeline-brush").boundingBox();
    if (axis === null) throw new Error("no axis");
    await page.locator(".timeline-brush").scrollIntoViewIfNeeded();
    const at = await page.locator(".timeline-brush").boundingBox();
    const y = (at?.y ?? 0) + 8;
    await page.mouse.move(axis.x + axis.width * 0.5, y);
    await page.mouse.down();
    await page.mouse.move(axis.x + axis.width * 0.6, y);
    await page.mouse.up();
    await page.getByRole("button", { name: "Whole run" }).waitFor();
    const times = (await marks.allTextContents()).map((text) => Number.parseFloat(text));
    expect(Math.min(...times)).toBeGreaterThan(20);
    expect(Math.max(...times)).toBeLessThan(26);
    await page.getByRole("button", { name: "Whole run" }).click();
    await page.getByRole("button", { name: "A shorter time" }).press("Enter");
    await expect.poll(() => marks.first().textContent(), SOON).not.toBe("0");
  });

  it("the panel of a task is as wide as the arrow keys make it, also after the page is loaded again", async () => {
    await page.setViewportSize({ width: 1_440, height: 900 });
    await page.goto(`${url}/dashboard/runs/run_map?task=split`);
    const handle = page.getByRole("separator", { name: "Width of the panel" });
    const width = async (): Promise<number> => (await page.locator(".panel").boundingBox())?.width ?? 0;
    await handle.waitFor();
    const before = await width();
    await handle.press("ArrowLeft");
    await expect.poll(width, SOON).toBeGreaterThan(before + 20);
    const after = await width();
    await page.reload();
    await handle.waitFor();
    expect(Math.abs((await width()) - after)).toBeLessThan(12);
  });

  it.each([1_024, 390])(
    "tasks with the longest names make neither a run nor a comparison wider than %i px",
    async (width) => {
      await page.setViewportSize({ width, height: 844 });
      for (const path of [
        "runs/run_long",
        `runs/run_long?task=${LONG_NAMES[2]?.task ?? ""}`,
        "compare?run=run_long&with=run_long",
      ]) {
        await page.goto(`${url}/dashboard/${path}`);
        await page.locator("[data-task]").first().waitFor();
        const beyond = await page.evaluate(
          "document.documentElement.scrollWidth - document.documentElement.clientWidth",
        );
        expect(beyond).toBeLessThanOrEqual(0);
        if (!path.startsWith("runs/")) continue;
        // A name is cut in its middle: a letter and the dots are left of its start, and all of its end.
        await expect.poll(() => page.evaluate(CUT_NAMES), SOON).toEqual(Array.from({ length: 8 }, () => [true, true]));
      }
    },
  );

  it("a comparison reads the parents of a join twenty at a time", async () => {
    const read: string[] = [];
    const note = (request: Request): unknown => /\/p\d+\/payload$/.test(request.url()) && read.push(request.url());
    page.on("request", note);
    await page.goto(`${url}/dashboard/compare?run=run_join&with=run_join&task=join`);
    await page.getByText("Parents 1 to 20 of 45").waitFor();
    await expect.poll(() => read.length, SOON).toBe(40);
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByText("Parents 21 to 40 of 45").waitFor();
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByText("Parents 41 to 45 of 45").waitFor();
    await expect.poll(() => read.length, SOON).toBe(90);
    expect(await page.getByRole("button", { name: "Next" }).count()).toBe(0);
    page.off("request", note);
  });

  it("the palette says among how many runs it has looked for the beginning of an id", async () => {
    let pages = 0;
    await page.route("**/api/v1/runs?*", async (route) => {
      pages += 1;
      const runs = Array.from({ length: 200 }, (_, at) => ({
        run_id: `run_${String(pages * 1_000 + at).padStart(26, "0")}`,
        task: "t",
        status: "succeeded",
      }));
      await route.fulfill({ json: { runs, next_cursor: `after-${pages}` } });
    });
    await page.goto(`${url}/dashboard/runs/run_map`);
    await page.locator("[data-task]").first().waitFor();
    pages = 0;
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").fill("zzzz");
    await page.getByText("None of the newest 1,000 runs has an id that begins so.").waitFor();
    expect(pages).toBe(5);
    await page.unroute("**/api/v1/runs?*");
  });
});
