/** Pages of made runs in a browser: the page alone is under test. */
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { type RunShape, type ScriptedApi, serveRuns } from "../../../scripts/bench/dashboard/scripted-api.ts";
import { startChromium } from "./chromium.ts";

/**
 * Serves these runs for the tests of a `describe`, and opens a page for each of the tests. `onPage` is called before each with
 * the page and the address of the server. A test fails if a script of its page throws.
 */
export function useMadeRuns(runs: Readonly<Record<string, RunShape>>, onPage: (page: Page, url: string) => void): void {
  let api: ScriptedApi;
  let browser: Browser;
  let page: Page;
  const faults: string[] = [];
  beforeAll(async () => {
    [api, browser] = await Promise.all([serveRuns(runs), startChromium()]);
  });
  beforeEach(async () => {
    page = await browser.newPage();
    page.on("pageerror", ({ message }) => faults.push(message));
    onPage(page, api.url);
  });
  afterEach(async () => {
    await page.close();
    expect(faults.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await browser.close();
    await api.close();
  });
}
