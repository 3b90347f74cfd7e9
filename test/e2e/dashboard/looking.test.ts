import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Stage } from "../stage.ts";
import { seriousFaults } from "./accessibility.ts";
import { CHROMIUM, startChromium } from "./chromium.ts";
import { Dashboard } from "./dashboard.ts";

const HOSTILE = `<script>document.title = "broken in"</script>`;

let stage: Stage;
let browser: Browser;
/** Of the tests that need no page of their own: to begin with one takes longer than most of them. */
let shared: Dashboard;
let open: Dashboard[] = [];
let transcribed = "";
let hostile = "";

/** A page of its own, with these options. */
async function dashboard(options: Parameters<typeof Dashboard.open>[2] = {}): Promise<Dashboard> {
  const opened = await Dashboard.open(browser, stage.runtime, options);
  open.push(opened);
  return opened;
}

describe.skipIf(CHROMIUM === null)("looking at the dashboard", () => {
  beforeAll(async () => {
    [stage, browser] = await Promise.all([Stage.open("dashboard"), startChromium()]);
    shared = await Dashboard.open(browser, stage.runtime);
    const trigger = { uri: "s3://uploads/audio/a.mp3", language: "de", broken: true };
    const [first, second] = await Promise.all([
      stage.peach.trigger("transcribe", trigger),
      stage.peach.trigger("hostile", { payload: HOSTILE }),
    ]);
    [transcribed, hostile] = [first.run_id, second.run_id];
    await Promise.all([stage.peach.finished(transcribed), stage.peach.finished(hostile)]);
  });
  beforeEach(() => {
    open = [];
  });
  afterEach(async () => {
    const faults = [shared, ...open].flatMap((opened) => opened.faults.splice(0));
    await Promise.all(open.map((opened) => opened.close()));
    expect(faults).toEqual([]);
  });
  afterAll(async () => {
    await browser.close();
    await stage.close();
  });

  it.each(["light", "dark"] as const)(
    "the dashboard has nothing seriously inaccessible on any page, %s",
    async (theme) => {
      const page = await dashboard({ theme });
      const pages = {
        "": "Now",
        "/approvals": "Approvals",
        "/pipelines/transcribe": "transcribe",
        [`/compare?run=${transcribed}&with=${hostile}`]: "Compare two runs",
        "/runs?view=groups": "Runs",
        "/runs": "Runs",
        [`/runs/${transcribed}?task=archive`]: "transcribe",
        [`/runs/${transcribed}?task=transcribe&tab=log&line=transcribe.1.0`]: "transcribe",
        [`/runs/${transcribed}?view=log&line=transcribe.1.0`]: "transcribe",
        [`/runs/${transcribed}?view=history`]: "transcribe",
        [`/runs/${transcribed}?view=output`]: "transcribe",
        "/triggers/tasks/transcribe": "Triggers",
        "/triggers/endpoints": "Triggers",
        "/triggers/schedules": "Triggers",
        "/triggers/uploads": "Triggers",
        "/triggers/events": "Triggers",
        "/dead-letters": "Dead letters",
        "/limits": "Limits",
        "/health": "Health",
        "/nothing": "Not found",
      };
      const faults: Record<string, string[]> = {};
      await page.goto();
      for (const [path, heading] of Object.entries(pages)) {
        await page.show(path);
        await page.page.getByRole("heading", { level: 1, name: heading }).waitFor();
        await page.page.locator(".skeleton").first().waitFor({ state: "detached" });
        const found = await seriousFaults(page, theme);
        if (found.length > 0) faults[path] = found;
      }
      const outside = await dashboard({ theme, isLoggedIn: false });
      await outside.goto();
      await outside.page.getByLabel("API token").waitFor();
      const found = await seriousFaults(outside, theme);
      if (found.length > 0) faults["login"] = found;
      expect(faults).toEqual({});
    },
  );

  it("the dashboard fits a phone: nothing but tables and graphs scrolls sideways", async () => {
    const page = await dashboard({ width: 375 });
    await page.goto();
    for (const path of [
      "",
      "/runs",
      "/pipelines/transcribe",
      "/approvals",
      `/runs/${transcribed}?task=archive`,
      "/triggers/tasks/transcribe",
      "/health",
    ]) {
      await page.show(path);
      await page.page.locator(".skeleton").first().waitFor({ state: "detached" });
      const beyond = await page.page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth",
      );
      expect(beyond, path).toBeLessThanOrEqual(0);
    }
  });

  it("the navigation of a phone opens to the entries that its bar has no room for, and closes behind them", async () => {
    const { page } = await dashboard({ width: 390 });
    await page.goto(`${stage.runtime.url}/dashboard`);
    const more = page.getByRole("button", { name: "More" });
    const limits = page.getByRole("link", { name: "Limits" });
    await more.waitFor();
    // A badge behind the word belongs to the name of the link.
    const pages = page.getByRole("navigation", { name: "Pages" });
    for (const name of ["Now", "Runs", "Approvals", "Triggers"]) await pages.getByRole("link", { name }).waitFor();
    expect(await limits.isVisible()).toBe(false);
    await more.click();
    for (const name of ["Recommendations", "Dead letters", "Health"])
      await page.getByRole("link", { name, exact: true }).waitFor();
    await limits.click();
    await page.getByRole("heading", { level: 1, name: "Limits" }).waitFor();
    expect(await more.getAttribute("aria-expanded")).toBe("false");
    expect(await limits.isVisible()).toBe(false);
    await more.press("Enter");
    await limits.waitFor();
    await page.keyboard.press("Escape");
    await limits.waitFor({ state: "hidden" });
  });

  it("a graph on a phone is as large as one can read, and begins where something failed", async () => {
    const { page } = await dashboard({ width: 390 });
    await page.goto(`${stage.runtime.url}/dashboard/runs/${transcribed}`);
    const note = page.locator('[data-task="archive"] .task-box-note');
    await note.waitFor();
    const size = await note.evaluate((element) => {
      const whole = element instanceof HTMLElement ? element.offsetWidth : Number.NaN;
      return Number.parseFloat(getComputedStyle(element).fontSize) * (element.getBoundingClientRect().width / whole);
    });
    expect(size).toBeGreaterThan(10.8);
    const box = await page.locator('[data-task="archive"] button').boundingBox();
    expect(box?.x).toBeGreaterThanOrEqual(0);
    expect((box?.x ?? 0) + (box?.width ?? Infinity)).toBeLessThanOrEqual(390);
  });

  it("the dashboard shows hostile payloads, log lines and descriptions as text", async () => {
    const page = shared;
    await page.show("/pipelines/hostile");
    await page.text('<img src=x onerror="document.title=').waitFor();
    await page.show(`/runs/${hostile}?task=hostile&tab=log`);
    await page.page.locator(".log-message", { hasText: HOSTILE }).waitFor();
    for (const [task, tab] of [
      ["hostile", "read"],
      ["hostile", "passed"],
      ["html", "passed"],
    ]) {
      await page.show(`/runs/${hostile}?task=${task}&tab=${tab}`);
      await page.page.locator(".json, pre.text", { hasText: HOSTILE.slice(0, 22) }).waitFor();
    }
    expect(await page.page.title()).not.toContain("broken in");
    expect(await page.page.locator("main script, main iframe").count()).toBe(0);
  });

  it("what is to be decided reads as a program reads it, also where its characters turn the reading direction", async () => {
    const { run_id: id } = await stage.peach.trigger("hostile", { payload: "\u202E0001" });
    await stage.peach.finished(id);
    await shared.show(`/runs/${id}?view=input`);
    await shared.text(String.raw`"\u202e0001"`).waitFor();
  });

  it("a payload without bytes is shown as empty", async () => {
    const { run_id: id } = await stage.peach.triggerBody("hostile", "", { contentType: "text/plain" });
    await stage.peach.finished(id);
    await shared.show(`/runs/${id}?view=input`);
    await shared.text("(empty)").waitFor();
  });

  it("a link to a task or an endpoint that is gone opens no other one", async () => {
    for (const [section, kind] of [
      ["tasks", "task"],
      ["endpoints", "endpoint"],
    ] as const) {
      await shared.show(`/triggers/${section}/gone`);
      await shared.text(`There is no ${kind} gone`).waitFor();
      expect(await shared.page.locator("main form, main .form").count()).toBe(0);
    }
  });

  it("the page of a pipeline passes over times of its address that are none", async () => {
    await shared.show("/pipelines/transcribe?from=x&to=y");
    await shared.text("All runs of the span").waitFor();
  });

  it("the page of a pipeline that never was shows only what is wrong", async () => {
    await shared.show("/pipelines/nothing");
    await shared.text("There is no task").waitFor();
    expect(await shared.page.getByRole("heading").allInnerTexts()).toEqual(["nothing"]);
    expect(await shared.page.locator(".skeleton").count()).toBe(0);
  });

  it("the log of a task that runs has every line, and stays where one reads until one goes to its end", async () => {
    const page = await dashboard();
    const { run_id } = await stage.peach.trigger("talks");
    await expect.poll(() => stage.recorder.waitingAt("talks"), { timeout: 20_000 }).toBe(1);
    await page.goto(`/runs/${run_id}?task=talks&tab=log`);
    const list = page.page.getByRole("list", { name: "Log of talks" });
    await page.page.getByText("300 lines", { exact: true }).waitFor();
    // It runs, so its end is in sight.
    await page.page.locator(".log-message", { hasText: /^line 299$/ }).waitFor();
    await list.evaluate((element) => element.scrollTo(0, 2_200));
    await page.page.locator(".log-message", { hasText: /^line 100$/ }).waitFor();
    stage.recorder.open("talks");
    await page.page.getByText("600 lines", { exact: true }).waitFor();
    expect(await list.evaluate((element) => element.scrollTop)).toBe(2_200);
    await page.button("300 new lines ↓").click();
    await page.page.locator(".log-message", { hasText: /^line 599$/ }).waitFor();
    // No line is missing, and none is there twice.
    await page.page.getByLabel("Search in the log").fill("line 29");
    await page.page.getByText("11 of 600 lines").waitFor();
    stage.recorder.open("talked");
    await page.page.locator(".run-head .pill", { hasText: "succeeded" }).waitFor();
    await page.page.getByText("11 of 600 lines").waitFor();
  });

  it("the dashboard shows the history of a run: who triggered it, and who was refused to retry it", async () => {
    const { run_id } = await stage.peach.trigger("hostile", { payload: HOSTILE });
    await stage.peach.finished(run_id);
    // It has succeeded, so there is nothing to retry.
    const answer = await fetch(`${stage.runtime.url}/api/v1/runs/${run_id}/retry`, {
      method: "POST",
      headers: { Authorization: `Bearer ${stage.runtime.token}` },
    });
    expect(answer.status).toBe(409);
    await shared.show(`/runs/${run_id}?view=history`);
    const rows = shared.page.locator(".history li");
    await rows.filter({ hasText: "api" }).filter({ hasText: "retried the run, refused with 409" }).waitFor();
    await rows.filter({ hasText: "triggered the run" }).waitFor();
    await rows.filter({ hasText: "succeeded" }).waitFor();
  });

  it("the dashboard says which runs are late: on the first page, in the list and at the head of the run", async () => {
    const { run_id } = await stage.peach.trigger("dawdles");
    await expect.poll(() => stage.recorder.waitingAt("single"), { timeout: 20_000 }).toBe(1);
    const late = async (): Promise<string> => (await stage.peach.call("/api/v1/runs?late=true")).text();
    await expect.poll(late, { timeout: 20_000 }).toContain(run_id);
    const { page } = await dashboard();
    await page.goto(`${stage.runtime.url}/dashboard`);
    await page.getByRole("link", { name: /1 late runs dawdles/ }).click();
    const row = page.locator(".runs tbody tr").filter({ hasText: "dawdles" });
    await row.locator(".late-mark").waitFor();
    expect(new URL(page.url()).searchParams.get("late")).toBe("true");
    await row.getByRole("link", { name: "dawdles" }).click();
    await page.locator(".run-head .late-mark").waitFor();
    stage.recorder.open("single");
    await stage.peach.finished(run_id);
  });

  it("the dashboard shows a picture, plays sound, and dumps bytes", async () => {
    const page = shared;
    await page.show(`/runs/${hostile}?task=picture&tab=passed`);
    await expect
      .poll(() => page.page.evaluate("document.querySelector('.payload img')?.naturalWidth"), { timeout: 10_000 })
      .toBe(40);
    await page.box("sound").click();
    await expect
      .poll(() => page.page.evaluate("document.querySelector('.payload audio')?.duration"), { timeout: 10_000 })
      .toBe(1);
    await page.box("raw").click();
    await page.text("000010  10 11 12").waitFor();
    expect(await page.page.title()).not.toContain("broken in");
  });

  it("the dashboard is used by the keyboard alone: from the first page to a task's error", async () => {
    const { page, ...rest } = await dashboard();
    await page.goto(`${stage.runtime.url}/dashboard`);
    await page.getByRole("heading", { name: "Now", exact: true }).waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("r");
    await page.getByRole("heading", { name: "Runs" }).waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type(transcribed);
    await page.keyboard.press("Enter");
    await page.locator('[data-task="transcribe"] button').focus();
    await page.keyboard.press("ArrowRight");
    const focused = (): Promise<unknown> =>
      page.evaluate("document.activeElement.closest('[data-task]')?.dataset.task");
    await expect.poll(focused, { timeout: 10_000 }).not.toBe("transcribe");
    const heightOf = async (task: string): Promise<number> =>
      (await page.locator(`[data-task="${task}"]`).boundingBox())?.y ?? 0;
    const isBelow = (await heightOf("archive")) > (await heightOf("recommend"));
    if ((await focused()) !== "archive") await page.keyboard.press(isBelow ? "ArrowDown" : "ArrowUp");
    await expect.poll(focused, { timeout: 10_000 }).toBe("archive");
    await page.keyboard.press("Enter");
    await page.getByText("cannot read the segments").first().waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    // The first letters of a fast typist belong to the palette.
    await page.keyboard.press("ControlOrMeta+k");
    await page.keyboard.type("transc");
    await page.getByRole("option", { name: "transcribe pipeline", selected: true }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "transcribe" }).waitFor();
    await page.keyboard.press("ControlOrMeta+k");
    await page.keyboard.type(transcribed.slice("run_".length).slice(0, 6));
    await page.getByRole("option", { name: `${transcribed} transcribe, failed`, selected: true }).waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(`**/dashboard/runs/${transcribed}`);
    expect(rest.faults).toEqual([]);
  });

  it("the dashboard takes back that the worker is not reachable soon after it answers again, however rarely the page reads", async () => {
    const view = await dashboard();
    const { page } = view;
    const reads = "**/api/v1/{failures,runs}*{,/**}";
    await page.route(reads, (route) => route.abort());
    await view.goto("/");
    const said = page.getByText("Not reachable").first();
    await said.waitFor({ timeout: 30_000 });
    await page.unroute(reads);
    await said.waitFor({ state: "detached", timeout: 5_000 });
  });

  it("the dashboard keeps each entry of a list as newer ones come, also where older ones are shown", async () => {
    const view = await dashboard();
    const { page } = view;
    let newest = 4;
    const letter = (at: number) => ({
      id: `dlt_${at}`,
      queue: "runs",
      reason: "given_up",
      detail: `letter ${at}`,
      body: {},
      received_at: "2026-11-22T10:00:00.000Z",
      attempts: 3,
      expires_at: "2026-12-22T10:00:00.000Z",
    });
    await page.route("**/api/v1/dead-letters?*", async (route) => {
      const top = Number(new URL(route.request().url()).searchParams.get("cursor") ?? newest);
      const json = { dead_letters: [letter(top), letter(top - 1)], next_cursor: top > 3 ? String(top - 2) : null };
      await route.fulfill({ json });
    });
    const shown = (): Promise<string[]> => page.locator(".letter > p").allTextContents();
    await page.clock.install();
    await view.goto("/dead-letters");
    await view.button("Older ones").click();
    await expect.poll(shown, { timeout: 10_000 }).toEqual(["letter 4", "letter 3", "letter 2", "letter 1"]);
    newest = 5;
    await page.clock.fastForward(10_000);
    await view.text("letter 5").waitFor();
    expect(await shown()).toEqual(["letter 5", "letter 4", "letter 3", "letter 2", "letter 1"]);
  });

  it("the dashboard says a schedule in words, and every time in the zone that is chosen", async () => {
    const page = await dashboard();
    await page.goto("/pipelines/transcribe");
    await page.text("every day at 03:00, Europe/Zurich").waitFor();
    await page.page.getByTitle("Show times in UTC").click();
    await page.page.getByTitle("Show local times").getByText("UTC").waitFor();
    await page.show(`/runs/${transcribed}`);
    const time = page.page.locator("time").first();
    await time.waitFor();
    expect(await time.getAttribute("title")).toMatch(/ \d\d:\d\d:\d\d\.\d{3} UTC$/);
  });
});
