/**
 * Measures the page of a run in a real Chromium, with made runs, and prints a table: the first
 * paint, the time until the graph is drawn, and the longest task during load, scrolling and
 * zooming.
 *
 *     npm run bench:dashboard -- [WFCOMMONS.json …]
 */
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import * as z from "zod";
import { madeGraph, mosaicGraph, realGraph } from "./graphs.ts";
import { type RunShape, serveRuns } from "./scripted-api.ts";

const CHROMIUM = [process.env["CHROMIUM"] ?? "", "/usr/bin/chromium", "/usr/bin/chromium-browser"];
/** A task, a map of its output, and a join. */
const MAP = [
  { task: "split", downstream: ["work"] },
  { task: "work", downstream: ["join"] },
  { task: "join", downstream: [] },
];
/** Long lists of the runs. */
const LISTS: readonly List[] = [
  {
    id: "lines_100000",
    query: "view=log",
    ready: "text=/^100,003 lines$/",
    selector: ".log .virtual",
  },
  {
    id: "items_10000",
    query: "task=work",
    ready: ".segment-items[title*='10,000 attempts']",
    selector: ".items .virtual",
  },
];
/** Steps of scrolling and zooming. */
const STEPS = 24;

/** Collects long tasks and paints of the browser, from before the page's own script. */
const OBSERVE = `
  window.seen = { longest: 0, paint: 0, graph: 0 };
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) seen.longest = Math.max(seen.longest, duration);
  }).observe({ type: "longtask", buffered: true });
  new PerformanceObserver((list) => {
    for (const { name, startTime } of list.getEntries())
      if (name === "first-contentful-paint") seen.paint = startTime;
  }).observe({ type: "paint", buffered: true });
  new MutationObserver(() => {
    if (seen.graph === 0 && document.querySelector(".graph-canvas")) seen.graph = performance.now();
  }).observe(document, { childList: true, subtree: true });`;

const seenSchema = z.object({ longest: z.number(), paint: z.number(), graph: z.number() });

/** Reads the figures and starts the longest task anew. */
async function seen(page: Page): Promise<z.infer<typeof seenSchema>> {
  const found = seenSchema.parse(await page.evaluate("window.seen"));
  await page.evaluate("window.seen.longest = 0");
  return found;
}

/** Scrolls an area to and fro, a frame for each step. */
async function scroll(page: Page, selector: string): Promise<void> {
  await page.evaluate(`(async () => {
    const area = document.querySelector(${JSON.stringify(selector)});
    if (area === null) return;
    for (let step = 0; step <= ${STEPS}; step++) {
      const share = Math.abs(1 - (2 * step) / ${STEPS});
      area.scrollTo(area.scrollWidth * (1 - share), area.scrollHeight * (1 - share));
      await new Promise(requestAnimationFrame);
    }
  })()`);
}

/** Zooms from the whole graph to the largest scale and back, a frame for each step. */
async function zoom(page: Page): Promise<void> {
  await page.locator(".graph-place").focus();
  for (const key of ["0", ...Array.from({ length: STEPS }, () => "+"), "0"]) {
    await page.keyboard.press(key);
    await page.evaluate("new Promise(requestAnimationFrame)");
  }
}

/** A list on the page of a run. `ready` finds an element as soon as the whole list is there. */
interface List {
  readonly id: string;
  readonly query: string;
  readonly ready: string;
  readonly selector: string;
}

/** Measures a list of a run and prints its row. */
async function measureList(browser: Browser, url: string, list: List): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 1_440, height: 900 } });
  await page.addInitScript(OBSERVE);
  const start = performance.now();
  await page.goto(`${url}/dashboard/runs/${list.id}?${list.query}`);
  await page.locator(list.ready).first().waitFor({ timeout: 60_000 });
  const ready = performance.now() - start;
  const loaded = await seen(page);
  await scroll(page, list.selector);
  const scrolled = await seen(page);
  const cells = [loaded.paint, ready, loaded.longest, scrolled.longest];
  const text = cells.map((value) => `${Math.round(value)} ms`).join(" | ");
  console.log(`| ${list.id} | ${text} |`);
  await page.close();
}

/** Measures the graph and the timeline of one run and prints its row. */
async function measure(browser: Browser, url: string, id: string, shape: RunShape): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 1_440, height: 900 } });
  await page.addInitScript(OBSERVE);
  await page.goto(`${url}/dashboard/runs/${id}`);
  await page.locator(".graph-canvas").waitFor({ timeout: 60_000 });
  await page.evaluate("new Promise((done) => setTimeout(done, 500))");
  const loaded = await seen(page);
  const cells = [loaded.paint, loaded.graph, loaded.longest];
  await scroll(page, ".graph-place");
  cells.push((await seen(page)).longest);
  await zoom(page);
  cells.push((await seen(page)).longest);
  await scroll(page, ".timeline .virtual");
  cells.push((await seen(page)).longest);
  const text = cells.map((value) => `${Math.round(value)} ms`).join(" | ");
  console.log(`| ${id} (${shape.graph.length}) | ${text} |`);
  await page.close();
}

/** Starts the server and the browser, and measures run after run. */
async function main(files: readonly string[]): Promise<void> {
  const path = CHROMIUM.find((one) => one !== "" && existsSync(one));
  if (path === undefined) throw new Error("There is no Chromium; name it in CHROMIUM.");
  const runs: Record<string, RunShape> = {
    small: { graph: madeGraph(6) },
    mosaic: { graph: mosaicGraph(1_739), failsEach: 400 },
    lines_100000: { graph: madeGraph(100), lines: 1_000, failsEach: 30 },
    items_10000: { graph: MAP, items: 10_000 },
    made_2000: { graph: madeGraph(2_000), failsEach: 700 },
    made_5000: { graph: madeGraph(5_000), failsEach: 900 },
  };
  for (const file of files) runs[basename(file, ".json")] = { graph: realGraph(file) };
  const api = await serveRuns(runs);
  const browser = await chromium.launch({
    executablePath: path,
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  try {
    console.log(
      "| run (tasks) | first paint | graph drawn | longest task: load | scroll | zoom | timeline |",
    );
    console.log("| --- | --- | --- | --- | --- | --- | --- |");
    for (const [id, shape] of Object.entries(runs)) await measure(browser, api.url, id, shape);
    console.log("\n| list | first paint | whole | longest task: load | scroll |");
    console.log("| --- | --- | --- | --- | --- |");
    for (const list of LISTS) await measureList(browser, api.url, list);
  } finally {
    await browser.close();
    await api.close();
  }
}

await main(process.argv.slice(2));
