/**
 * Every page of the dashboard at three widths and in both themes, with failed runs and a graph of 2,000 tasks. With a folder
 * in PEACH_SCREENS it takes a picture of each, and with a text in PEACH_SCREENS_OF only of pages with this text in their name.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page, Request } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { madeGraph } from "../../../scripts/bench/dashboard/graphs.ts";
import { type ScriptedApi, serveRuns } from "../../../scripts/bench/dashboard/scripted-api.ts";
import { IS_LONG } from "../../support/long.ts";
import { Stage } from "../stage.ts";
import { CHROMIUM, startChromium } from "./chromium.ts";
import { haveIncident, incidentConf } from "./incident.ts";

const FOLDER = process.env["PEACH_SCREENS"];
const WANTED = process.env["PEACH_SCREENS_OF"] ?? "";
const PHONE = 390;
const WIDTHS = [1_440, 1_024, PHONE];
/** Themes change colours only, so that pictures alone need both. */
const THEMES = FOLDER === undefined ? (["light"] as const) : (["light", "dark"] as const);
/** The smallest text of a phone, in pixels of the screen. */
const SMALLEST = 11;
/** The longest wait for a page, in milliseconds: one of 2,000 tasks asks for all of their logs. It measures nothing. */
const DRAWN_MS = 60_000;
/** Resolves two frames later: what an answer leads to is drawn, and has asked for more if need be. */
const TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))";

/** A page: its address, and the name of its pictures. */
interface Shown {
  readonly name: string;
  readonly url: string;
}

/** Finds what does not fit the page. The text runs in the browser. */
const LOOK = `(() => {
  const beyond = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const small = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    if (node.data.trim() === "" || element.closest("script, style, .sr") !== null) continue;
    const box = element.getBoundingClientRect();
    if (box.width === 0 || element.offsetWidth === undefined) continue;
    // The width is rounded; a scale of a graph is further from one.
    const ratio = element.offsetWidth === 0 ? 1 : box.width / element.offsetWidth;
    const scale = Math.abs(ratio - 1) < 0.05 ? 1 : ratio;
    const size = parseFloat(getComputedStyle(element).fontSize) * scale;
    if (size < ${SMALLEST} - 0.3)
      small.add(size.toFixed(1) + " px: " + (element.className || element.tagName) + " " + node.data.trim().slice(0, 30));
  }
  return { beyond, small: [...small].slice(0, 6) };
})()`;

const lookedSchema = z.object({ beyond: z.number(), small: z.array(z.string()) });

/** Has runs that fail, wait and go on, and lists the pages that show them. */
async function pagesOf(): Promise<readonly Shown[]> {
  const { disk, vendor } = await haveIncident(stage);
  const { peach } = stage;
  const start = async (task: string, payload: unknown): Promise<string> => (await peach.trigger(task, payload)).run_id;
  const uri = "s3://uploads/audio/a.mp3";
  const broken = await start("transcribe", { uri, language: "de", broken: true });
  const slow = await start("transcribe", { uri, language: "de", slow: true });
  const many = await start("many", { count: 3_000 });
  const waits = await start("approve", { film: 7 });
  const talks = await start("talks", null);
  await start("single", null);
  await start("single", null);
  await start("dawdles", null);
  await peach.call("/api/v1/tasks/notify/pause", { method: "POST" });
  await Promise.all([broken, many].map((id) => peach.finished(id)));
  const paths: Readonly<Record<string, string>> = {
    now: "",
    runs: "/runs",
    "runs-groups": "/runs?view=groups",
    "runs-waiting": "/runs?status=waiting",
    run: `/runs/${broken}`,
    "run-task": `/runs/${broken}?task=archive`,
    "run-task-log": `/runs/${broken}?task=transcribe&tab=log`,
    "run-log": `/runs/${broken}?view=log`,
    "run-history": `/runs/${broken}?view=history`,
    "run-output": `/runs/${broken}?view=output`,
    "run-disk": `/runs/${disk[0] ?? ""}`,
    "run-slow": `/runs/${slow}?task=transcribe`,
    "run-waits": `/runs/${waits}?task=approve`,
    "run-talks": `/runs/${talks}?view=log`,
    "run-items": `/runs/${many}?task=item`,
    "run-items-log": `/runs/${many}?view=log`,
    compare: `/compare?run=${vendor[0] ?? ""}`,
    approvals: "/approvals",
    pipeline: "/pipelines/transcribe",
    "pipeline-failing": "/pipelines/encode_film",
    "trigger-task": "/triggers/tasks/transcribe",
    "trigger-tasks": "/triggers/tasks",
    "trigger-endpoints": "/triggers/endpoints",
    "trigger-schedules": "/triggers/schedules",
    "trigger-uploads": "/triggers/uploads",
    "trigger-events": "/triggers/events",
    recommendations: "/recommendations",
    "dead-letters": "/dead-letters",
    limits: "/limits",
    health: "/health",
    missing: "/nothing",
  };
  const { url } = stage.runtime;
  return Object.entries(paths).map(([name, path]) => ({ name, url: `${url}/dashboard${path}` }));
}

/** Waits until the page waits for no answer, and shows no placeholder, at two looks. Throws after a while. */
async function untilDrawn(page: Page, open: ReadonlySet<Request>): Promise<void> {
  await page.locator("main h1, main form").first().waitFor();
  const latest = Date.now() + DRAWN_MS;
  for (let still = 0; still < 2;) {
    await page.evaluate(TWO_FRAMES);
    const placeholders = await page.locator(".skeleton").count();
    still = open.size === 0 && placeholders === 0 ? still + 1 : 0;
    if (Date.now() > latest)
      throw new Error(
        `${page.url()} has ${placeholders} placeholders, and waits for ${[...open].map((one) => one.url()).join(", ")}`,
      );
  }
}

/** The requests of a page that have no whole answer yet. Streams of events have none for as long as they last. */
function openRequests(page: Page): ReadonlySet<Request> {
  const open = new Set<Request>();
  page.on("request", (request) => {
    if (!/\/(events|feed)\b/.test(request.url())) open.add(request);
  });
  page.on("requestfinished", (request) => open.delete(request));
  page.on("requestfailed", (request) => open.delete(request));
  return open;
}

/** Goes to a page as links do, which mounts all of it anew at this width. Only the first page of a server is loaded. */
async function goTo(page: Page, url: string): Promise<void> {
  const { origin, pathname, search } = new URL(url);
  if (!page.url().startsWith(`${origin}/`)) return void (await page.goto(url));
  const to = JSON.stringify(pathname + search);
  await page.evaluate(`history.pushState(null, "", ${to}); dispatchEvent(new PopStateEvent("popstate"))`);
}

/** What does not fit at one width and in one theme; takes the pictures. */
async function shoot(
  pages: readonly Shown[],
  { width, theme }: { width: number; theme: "light" | "dark" },
): Promise<string[]> {
  const viewport = { width, height: width === PHONE ? 844 : 900 };
  const context = await browser.newContext({ viewport, colorScheme: theme });
  await context.request.post(`${stage.runtime.url}/dashboard/login`, {
    data: { token: stage.runtime.token },
    headers: { "X-Peach-Dashboard": "1", "Sec-Fetch-Site": "same-origin" },
  });
  const page = await context.newPage();
  const open = openRequests(page);
  const faults: string[] = [];
  for (const { name, url } of pages) {
    await goTo(page, url);
    await untilDrawn(page, open);
    const { beyond, small } = lookedSchema.parse(await page.evaluate(LOOK));
    const where = `${name} at ${width} px, ${theme}`;
    if (beyond > 0) faults.push(`${where}: ${beyond} px beyond the page`);
    if (width === PHONE) faults.push(...small.map((text) => `${where}: ${text}`));
    if (FOLDER === undefined) continue;
    const path = join(FOLDER, `${name}-${width}-${theme}.png`);
    await page.evaluate("scrollTo(0, 0)");
    await page.screenshot({ path, fullPage: width === PHONE, animations: "disabled" });
  }
  await context.close();
  return faults;
}

let stage: Stage;
let api: ScriptedApi;
let browser: Browser;
let pages: readonly Shown[];

describe.skipIf(CHROMIUM === null || !(IS_LONG || FOLDER !== undefined))("the pages of the dashboard", () => {
  beforeAll(async () => {
    if (FOLDER !== undefined) mkdirSync(FOLDER, { recursive: true });
    const graph = madeGraph(2_000);
    [stage, api, browser] = await Promise.all([
      Stage.open("dashboard", incidentConf()),
      serveRuns({ run_2000: { graph, failsEach: 700, lines: 20 } }),
      startChromium(),
    ]);
    const large = ["", "?view=log", `?task=${graph[699]?.task ?? ""}`].map((query, at) => ({
      name: `large-${at}`,
      url: `${api.url}/dashboard/runs/run_2000${query}`,
    }));
    pages = [...(await pagesOf()), ...large].filter(({ name }) => new RegExp(WANTED).test(name));
  });
  afterAll(async () => {
    await browser.close();
    await Promise.all([stage.close(), api.close()]);
  });

  it.each(WIDTHS.flatMap((width) => THEMES.map((theme) => ({ width, theme }))))(
    "every page of the dashboard fits a width of $width px, and can be read, $theme",
    async (shape) => {
      expect(await shoot(pages, shape)).toEqual([]);
    },
    300_000,
  );
});
