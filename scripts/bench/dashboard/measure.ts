/**
 * Measures the page of a run in a real Chromium, with made runs, and prints tables: the first
 * paint, the time until the graph is drawn, the processor time of the page until then, and the
 * longest task during load, scrolling and zooming. Last come the figures that have a bound, and
 * whether they keep it. Each figure is the median of three loads; it takes two minutes.
 *
 *     npm run bench:dashboard -- [WFCOMMONS.json …]
 */
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import * as z from "zod";
import { medianOf } from "../statistics.ts";
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
/** Loads of each page. */
const LOADS = 3;

/** The figures with a bound: the row and the column that have the figure, in milliseconds. */
const BOUNDS = [
  { what: "first paint of a small run", row: "small", column: "paint", bound: 500 },
  { what: "2,000 tasks drawn", row: "made_2000", column: "drawn", bound: 1_000 },
  { what: "5,000 tasks drawn", row: "made_5000", column: "drawn", bound: 3_000 },
  { what: "10,000 items there", row: "list items_10000", column: "whole", bound: 3_000 },
  { what: "10,000 items, scrolling", row: "list items_10000", column: "scroll", bound: 100 },
  { what: "100,000 log lines there", row: "list lines_100000", column: "whole", bound: 5_000 },
  { what: "100,000 log lines, scrolling", row: "list lines_100000", column: "scroll", bound: 100 },
] as const;

/** The figures of a page in milliseconds, by column. */
type Figures = Readonly<Record<string, number>>;

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

/** Opens a page that collects its figures. `processor` tells the time of its thread so far. */
async function openPage(
  browser: Browser,
): Promise<{ readonly page: Page; readonly processor: () => Promise<number> }> {
  const page = await browser.newPage({ viewport: { width: 1_440, height: 900 } });
  await page.addInitScript(OBSERVE);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
  const processor = async (): Promise<number> => {
    const { metrics } = await devtools.send("Performance.getMetrics");
    return (metrics.find(({ name }) => name === "TaskDuration")?.value ?? 0) * 1_000;
  };
  return { page, processor };
}

/** Measures a list of a run. */
async function measureList(browser: Browser, url: string, list: List): Promise<Figures> {
  const { page, processor } = await openPage(browser);
  const start = performance.now();
  await page.goto(`${url}/dashboard/runs/${list.id}?${list.query}`);
  await page.locator(list.ready).first().waitFor({ timeout: 60_000 });
  const whole = performance.now() - start;
  const spent = await processor();
  const loaded = await seen(page);
  await scroll(page, list.selector);
  const { longest } = await seen(page);
  await page.close();
  const { paint, longest: load } = loaded;
  return { paint, whole, processor: spent, load, scroll: longest };
}

/** Measures the graph and the timeline of one run. */
async function measure(browser: Browser, url: string, id: string): Promise<Figures> {
  const { page, processor } = await openPage(browser);
  await page.goto(`${url}/dashboard/runs/${id}`);
  await page.locator(".graph-canvas").waitFor({ timeout: 60_000 });
  await page.evaluate("new Promise((done) => setTimeout(done, 500))");
  const spent = await processor();
  const { paint, graph: drawn, longest: load } = await seen(page);
  await scroll(page, ".graph-place");
  const { longest: scrolled } = await seen(page);
  await zoom(page);
  const { longest: zoomed } = await seen(page);
  await scroll(page, ".timeline .virtual");
  const { longest: timeline } = await seen(page);
  await page.close();
  return { paint, drawn, processor: spent, load, scroll: scrolled, zoom: zoomed, timeline };
}

/** Measures a page several times and prints the medians as a row. Returns the medians. */
async function row(name: string, take: () => Promise<Figures>): Promise<Figures> {
  const loads: Figures[] = [];
  for (let load = 0; load < LOADS; load++) loads.push(await take());
  const medians = Object.fromEntries(
    Object.keys(loads[0] ?? {}).map((column) => [
      column,
      medianOf(loads.map((figures) => figures[column] ?? Number.NaN)),
    ]),
  );
  const cells = Object.values(medians).map((value) => `${Math.round(value)} ms`);
  console.log(`| ${name} | ${cells.join(" | ")} |`);
  return medians;
}

/** Prints the figures that have a bound. */
function printBounds(rows: ReadonlyMap<string, Figures>): void {
  console.log("\n| figure | measured | bound | |\n| --- | --- | --- | --- |");
  for (const { what, row: name, column, bound } of BOUNDS) {
    const value = rows.get(name)?.[column] ?? Number.NaN;
    const verdict = value <= bound ? "kept" : "ABOVE";
    console.log(`| ${what} | ${Math.round(value)} ms | ${bound} ms | ${verdict} |`);
  }
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
    const rows = new Map<string, Figures>();
    console.log(
      "| run (tasks) | first paint | graph drawn | processor | longest task: load | scroll | zoom | timeline |",
    );
    console.log("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for (const [id, { graph }] of Object.entries(runs))
      rows.set(id, await row(`${id} (${graph.length})`, () => measure(browser, api.url, id)));
    console.log("\n| list | first paint | whole | processor | longest task: load | scroll |");
    console.log("| --- | --- | --- | --- | --- | --- |");
    for (const list of LISTS)
      rows.set(`list ${list.id}`, await row(list.id, () => measureList(browser, api.url, list)));
    printBounds(rows);
  } finally {
    await browser.close();
    await api.close();
  }
}

await main(process.argv.slice(2));
