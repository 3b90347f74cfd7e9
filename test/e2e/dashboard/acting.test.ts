import { createHmac } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Browser, WebSocketRoute } from "playwright-core";
import { signLoginCode } from "../../../src/http/auth/login-code.ts";
import { taskOf } from "../peach.ts";
import { Stage } from "../stage.ts";
import { seriousFaults } from "./accessibility.ts";
import { CHROMIUM, startChromium } from "./chromium.ts";
import { Dashboard } from "./dashboard.ts";

const BROKEN = { uri: "s3://uploads/audio/a.mp3", language: "de", broken: true };
const WHOLE = { uri: "s3://uploads/audio/a.mp3", language: "de" };

let stage: Stage;
let browser: Browser;
/** Of the tests that need no page of their own: to begin with one takes longer than most of them. */
let shared: Dashboard;
let open: Dashboard[] = [];

/** A page of its own, with these options. */
async function dashboard(options: Parameters<typeof Dashboard.open>[2] = {}): Promise<Dashboard> {
  const opened = await Dashboard.open(browser, stage.runtime, options);
  open.push(opened);
  return opened;
}

describe.skipIf(CHROMIUM === null)("acting in the dashboard", () => {
  beforeAll(async () => {
    [stage, browser] = await Promise.all([Stage.open("dashboard"), startChromium()]);
    shared = await Dashboard.open(browser, stage.runtime);
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

  it("acting in the dashboard asks for a token, refuses a wrong one, and goes on to the page that was asked for", async () => {
    const page = await dashboard({ isLoggedIn: false });
    await page.goto("/limits");
    await page.page.getByLabel("API token").fill("wrong");
    await page.button("Log in").click();
    await page.text("The API token is none that this deployment knows.").waitFor();
    await page.page.getByLabel("API token").fill(stage.runtime.token);
    await page.button("Log in").click();
    await page.page.getByRole("heading", { name: "Limits" }).waitFor();
    expect(await page.page.evaluate("document.cookie")).toBe("");
    await page.button("Log out").click();
    await page.page.getByLabel("API token").waitFor();
  });

  it("acting in the dashboard logs in by the link of npm run dev, once", async () => {
    const link = `/login#${await signLoginCode(stage.runtime.token, Date.now())}`;
    const first = await dashboard({ isLoggedIn: false });
    await first.goto(link);
    await first.page.getByRole("heading", { name: "Now", exact: true }).waitFor();
    expect(first.page.url()).toBe(`${stage.runtime.url}/dashboard`);
    const second = await dashboard({ isLoggedIn: false });
    await second.goto(link);
    await second.text("The link has been used").waitFor();
  });

  it("acting in the dashboard triggers a task by a form that is checked as it is typed, and shows the run to its end without loading again", async () => {
    const page = shared;
    await page.show("/triggers/tasks/transcribe");
    await page.page.getByLabel("uri").fill("http://elsewhere");
    await page.text("It must match ^s3:").waitFor();
    expect(await page.button("Trigger").isDisabled()).toBe(true);
    await page.page.getByLabel("uri").fill(WHOLE.uri);
    await page.page.getByLabel("slow").check();
    await page.page.evaluate("window.isFirst = true");
    await page.button("Trigger").click();
    await page.runId();
    await page.boxIs("transcribe", "running");
    await expect.poll(() => stage.recorder.waitingAt("transcribe"), { timeout: 20_000 }).toBe(1);
    stage.recorder.open("transcribe");
    await page.boxIs("notify", "succeeded");
    await page.page.locator(".run-head .pill", { hasText: "succeeded" }).waitFor();
    expect(await page.page.evaluate("window.isFirst")).toBe(true);
  });

  it("acting in the dashboard follows a run over a WebSocket, and goes on behind what it had when that breaks", async () => {
    const { run_id } = await stage.peach.trigger("transcribe", { ...WHOLE, slow: true });
    const page = await dashboard();
    const sockets: WebSocketRoute[] = [];
    await page.page.routeWebSocket(/\/events/, (socket) => {
      sockets.push(socket);
      socket.connectToServer();
    });
    await page.goto(`/runs/${run_id}`);
    await page.page.locator(".live-live").waitFor();
    await page.boxIs("transcribe", "running");
    await sockets[0]?.close({ code: 4_000 });
    await expect.poll(() => sockets.length, { timeout: 20_000 }).toBe(2);
    expect(sockets[1]?.url()).toMatch(/\?after=\d+$/);
    await expect.poll(() => stage.recorder.waitingAt("transcribe"), { timeout: 20_000 }).toBe(1);
    stage.recorder.open("transcribe");
    await page.boxIs("notify", "succeeded");
  });

  it("acting in the dashboard follows a run by server-sent events where no WebSocket comes through", async () => {
    const { run_id } = await stage.peach.trigger("transcribe", { ...WHOLE, slow: true });
    const page = await dashboard();
    await page.page.addInitScript(`window.WebSocket = class extends EventTarget {
      constructor() { super(); queueMicrotask(() => this.dispatchEvent(new Event("close"))); }
      close() {}
    };`);
    const streams: string[] = [];
    page.page.on("request", (request) => {
      if (request.resourceType() === "eventsource") streams.push(new URL(request.url()).pathname);
    });
    await page.goto(`/runs/${run_id}`);
    await page.page.locator(".live-live").waitFor();
    await expect.poll(() => stage.recorder.waitingAt("transcribe"), { timeout: 20_000 }).toBe(1);
    stage.recorder.open("transcribe");
    await page.boxIs("notify", "succeeded");
    expect(streams).toEqual([`/api/v1/runs/${run_id}/events`]);
  });

  it("acting in the dashboard shows why a run failed, and replays it with another payload", async () => {
    const { run_id } = await stage.peach.trigger("transcribe", BROKEN);
    await stage.peach.finished(run_id);
    const page = shared;
    await page.show(`/runs/${run_id}`);
    await page.box("archive").click();
    await page.text("cannot read the segments").waitFor();
    await page.boxIs("notify", "skipped");
    await page.button("Replay…").click();
    const payload = page.page.getByLabel("Payload");
    await expect.poll(() => payload.inputValue(), { timeout: 10_000 }).toContain('"broken": true');
    await payload.fill(JSON.stringify({ ...WHOLE, language: "xx" }));
    await page.text("$.language").waitFor();
    await payload.fill(JSON.stringify(WHOLE));
    await page.button("Replay with this payload").click();
    await page.page.waitForURL((url) => url.pathname !== `/dashboard/runs/${run_id}`);
    await page.boxIs("notify", "succeeded");
    await page.page.getByText("Replay of").waitFor();
  });

  it("acting in the dashboard retries what failed, and replays from a task on", async () => {
    const { run_id } = await stage.peach.trigger("transcribe", BROKEN);
    await stage.peach.finished(run_id);
    const page = shared;
    await page.show(`/runs/${run_id}?task=archive`);
    await page.button("Retry what failed").click();
    await page.page.getByRole("tab", { name: "Attempts 2" }).waitFor();
    await page.page
      .locator(".facts")
      .filter({ hasText: /Rounds2 retried by api/ })
      .filter({ hasText: " at work" })
      .waitFor();
    await page.button("Replay from here").click();
    await page.button(/^Replay$/).click();
    await page.page.waitForURL((url) => url.pathname !== `/dashboard/runs/${run_id}`);
    await page.boxIs("archive", "failed");
    await page.text("from archive").waitFor();
  });

  it("acting in the dashboard cancels a run, after asking", async () => {
    const { run_id } = await stage.peach.trigger("transcribe", { ...WHOLE, slow: true });
    const page = shared;
    await page.show(`/runs/${run_id}`);
    await page.button("Cancel").click();
    await page.button("Cancel the run").click();
    await page.page.locator(".run-head .pill", { hasText: "cancelled" }).waitFor();
    expect((await stage.peach.run(run_id)).status).toBe("cancelled");
    stage.recorder.open("transcribe");
  });

  it("acting in the dashboard copies the trigger of a run as a line for a shell, without the token", async () => {
    const { run_id } = await stage.peach.trigger("transcribe", WHOLE);
    const page = shared;
    await page.show(`/runs/${run_id}`);
    await page.button("Copy as curl").click();
    await page.text("Copied.").waitFor();
    const line = await page.page.evaluate("navigator.clipboard.readText()");
    expect(line).toContain(`${stage.runtime.url}/api/v1/tasks/transcribe/trigger`);
    expect(line).toContain(JSON.stringify(WHOLE));
    expect(line).not.toContain(`Bearer ${stage.runtime.token}`);
  });

  it("acting in the dashboard shows a webhook that was refused, and sends it again", async () => {
    const body = JSON.stringify(WHOLE);
    const deliver = (secret: string): Promise<Response> =>
      fetch(`${stage.runtime.url}/hooks/pushed`, {
        method: "POST",
        body,
        headers: { "X-Signature": createHmac("sha256", secret).update(body).digest("hex") },
      });
    expect((await deliver("wrong")).status).toBe(401);
    const page = shared;
    await page.show("/triggers/endpoints/pushed");
    await page.button(/401.*signature mismatch/).click();
    await page.button("Send again").click();
    await page.page.getByRole("button", { name: /202.*triggered transcribe.*sent again/ }).waitFor();
    await page.page.getByRole("link", { name: "Its run" }).click();
    await page.boxIs("notify", "succeeded");
  });

  it("acting in the dashboard pauses and resumes a schedule, and runs it now", async () => {
    const page = shared;
    await page.show("/triggers/schedules");
    await page.text("Europe/Zurich").waitFor();
    await page.button("Pause").click();
    await page.button("Resume").click();
    await page.button("Pause").waitFor();
    // What a schedule carries is no transcription: the refusal says why.
    await page.button("Run now").click();
    await page.text("does not fit").waitFor();
  });

  it("acting in the dashboard lists runs as they come, finds one by its id and its key, and keeps its filters in the address", async () => {
    const page = shared;
    await page.show("/runs");
    await page.page.locator(".live-live").waitFor();
    const { run_id } = await stage.peach.trigger("beat1", null, { idempotencyKey: "drum 1" });
    await expect.poll(() => stage.recorder.waitingAt("beat"), { timeout: 20_000 }).toBe(1);
    stage.recorder.open("beat");
    const row = page.page.locator(".run-row", { has: page.page.locator(`[title="${run_id}"]`) });
    await row.locator(".pill", { hasText: "succeeded" }).waitFor();

    await page.page.getByLabel("Pipeline", { exact: true }).selectOption("beat1");
    await page.page.getByRole("group", { name: "Status" }).getByRole("button", { name: "failed" }).click();
    await page.text("No run matches").waitFor();
    expect(new URL(page.page.url()).search).toBe("?task=beat1&status=failed");
    await page.page.reload();
    await page.text("No run matches").waitFor();
    await page.page.getByRole("group", { name: "Status" }).getByRole("button", { name: "failed" }).click();

    await page.page.getByRole("searchbox").fill('key:"drum 1"');
    await page.text("A key belongs to a task: add task:NAME.").waitFor();
    await page.page.getByRole("searchbox").fill('task:beat1 key:"drum 1"');
    await page.page.keyboard.press("Enter");
    await row.waitFor();
    await page.page.getByRole("searchbox").fill(run_id);
    await page.page.keyboard.press("Enter");
    expect(await page.runId()).toBe(run_id);
  });

  it("acting in the dashboard finds runs by their tags, which stand in the row and at the head of the run", async () => {
    const triggered = await stage.peach.call("/api/v1/tasks/notify/trigger?tag=lang:de&tag=two%20words", {
      method: "POST",
    });
    expect(triggered.status).toBe(202);
    await stage.peach.trigger("notify");
    const { page } = shared;
    await shared.show("/runs");
    await page.getByLabel("Search runs").fill('tag:"two words" tag:lang:de');
    await page.keyboard.press("Enter");
    const rows = page.locator(".runs tbody tr");
    await expect.poll(() => rows.count(), { timeout: 10_000 }).toBe(1);
    expect(await rows.locator(".row-tags .tag").allTextContents()).toEqual(["lang:de", "two words"]);
    await rows.getByRole("link", { name: "notify" }).click();
    await page.locator(".facts").getByRole("link", { name: "lang:de" }).click();
    await page.waitForURL(/\/dashboard\/runs\?tag=lang%3Ade$/);
    await expect.poll(() => rows.count(), { timeout: 10_000 }).toBe(1);
  });

  it("acting in the dashboard retries and cancels many runs, after saying how many", async () => {
    const broken = await Promise.all(
      [1, 2, 3].map(() => stage.peach.trigger("transcribe", { ...BROKEN, language: "it" })),
    );
    for (const { run_id } of broken) await stage.peach.finished(run_id);
    const page = shared;
    await page.show("/runs?task=transcribe&status=failed&span=1h");
    await page.page.locator(".run-row").nth(2).waitFor();
    await page.button("Retry many…").click();
    const dialog = page.page.getByRole("dialog");
    const retry = dialog.getByRole("button", { name: /^Retry \d+ runs$/ });
    await retry.click();
    await page.text(/^\d+ runs retried\./).waitFor();
    const runs = await Promise.all(broken.map(({ run_id }) => stage.peach.finished(run_id)));
    expect(runs.map((run) => taskOf(run, "archive").attempts.length)).toEqual([2, 2, 2]);

    const slow = await Promise.all([1, 2].map(() => stage.peach.trigger("beat1")));
    await page.show("/runs?task=beat1");
    await page.page.locator(".run-row", { hasText: "running" }).nth(1).waitFor();
    await page.button("Cancel many…").click();
    await dialog.getByRole("button", { name: "Cancel 2 runs" }).click();
    await page.text("2 runs cancelled.").waitFor();
    for (const { run_id } of slow) expect((await stage.peach.finished(run_id)).status).toBe("cancelled");
    stage.recorder.open("beat");
  });

  it("acting in the dashboard completes a task that waits, by the keyboard alone, with a payload that is checked first", async () => {
    const { run_id } = await stage.peach.trigger("approve");
    const page = await dashboard({ theme: "light" });
    await page.goto(`/runs/${run_id}?task=approve`);
    await page.boxIs("approve", "waiting");
    await page.text(`${stage.runtime.url}/complete/`).waitFor();
    await page.button("Complete…").focus();
    await page.page.keyboard.press("Enter");
    const dialog = page.page.getByRole("dialog", { name: "Complete approve" });
    const send = dialog.getByRole("button", { name: "Approve" });
    await dialog.getByLabel("copies").fill("2");
    await dialog.getByText("What an approval passes").press("Enter");
    const payload = dialog.getByLabel("What it passes");
    await expect.poll(() => payload.inputValue(), { timeout: 10_000 }).toBe('{\n  "copies": 2,\n  "by": "api"\n}');
    await payload.press("ControlOrMeta+a");
    await page.page.keyboard.type('{"by": "a person", "copies": ');
    await dialog.getByText("This is no JSON").waitFor();
    await page.page.keyboard.type('"one"}');
    await dialog.getByText("$.copies").waitFor();
    expect(await send.isDisabled()).toBe(true);
    for (let count = 0; count < '"one"}'.length; count++) await page.page.keyboard.press("Backspace");
    await page.page.keyboard.type("9007199254740991}");
    await dialog.getByText("It fits what the task passes").waitFor();
    expect(await seriousFaults(page, "light")).toEqual([]);
    for (const name of ["Format", "Approve"]) {
      await page.page.keyboard.press("Tab");
      await dialog.locator("button:focus", { hasText: name }).waitFor();
    }
    await page.page.keyboard.press("Enter");
    await dialog.waitFor({ state: "detached" });
    await page.boxIs("approved", "succeeded");
    const passed = await stage.peach.payload(run_id, "approve");
    expect(await passed.text()).toBe('{"by":"a person","copies":9007199254740991}');
  });

  it("acting in the dashboard completes a task that waits as failed, and says why it cannot be done twice", async () => {
    const { run_id } = await stage.peach.trigger("approve");
    const page = await dashboard({ theme: "dark" });
    await page.goto(`/runs/${run_id}?task=approve`);
    const dialog = page.page.getByRole("dialog", { name: "Complete approve" });
    const fail = dialog.getByRole("button", { name: "Reject" });
    for (const tries of [1, 2]) {
      await page.page.getByRole("tab", { name: `Attempts ${tries}` }).waitFor();
      await page.button("Complete…").click();
      await dialog.getByLabel("Note").fill(`no, said ${tries}`);
      if (tries === 2) break;
      await fail.click();
      await dialog.waitFor({ state: "detached" });
    }
    // Somebody else comes first.
    const body = JSON.stringify({ status: "failed", error: { message: "withdrawn" } });
    await stage.peach.call(`/api/v1/runs/${run_id}/tasks/approve/complete`, { method: "POST", body });
    await page.boxIs("approve", "failed");
    await fail.click();
    await dialog.getByRole("alert").getByText("It has been completed already").waitFor();
    expect(await seriousFaults(page, "dark")).toEqual([]);
    await page.page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    expect(await page.button("Complete…").count()).toBe(0);
    const { attempts } = taskOf(await stage.peach.run(run_id), "approve");
    expect(attempts.map(({ error }) => error?.message)).toEqual(["no, said 1", "withdrawn"]);
  });

  it("acting in the dashboard approves in the inbox what is shown beside the buttons, and the inbox and its badge are empty again", async () => {
    const article = { title: "On glaciers" };
    const { run_id } = await stage.peach.trigger("approve", article);
    const page = await dashboard();
    await page.goto("/approvals");
    const card = page.page.getByRole("article", { name: "approve of approve" }).filter({ hasText: article.title });
    await card.waitFor();
    await page.page.getByRole("link", { name: /Approvals \d+ that wait/ }).waitFor();
    await card.getByLabel("copies").fill("3");
    await card.getByRole("button", { name: "Approve" }).click();
    await card.waitFor({ state: "detached" });
    expect((await stage.peach.finished(run_id)).status).toBe("succeeded");
    expect(await (await stage.peach.payload(run_id, "approve")).json()).toEqual({ copies: 3, by: "api" });
    await page.show(`/runs/${run_id}?view=history`);
    await page.page
      .locator(".history li")
      .filter({ hasText: "api" })
      .filter({ hasText: "completed approve" })
      .waitFor();
    await page.page
      .locator(".facts")
      .filter({ hasText: /All attempts\d+ ms at work, [\d.]+ m?s waited/ })
      .waitFor();
  });

  it("acting in the dashboard keeps an approval that ends elsewhere in its place in the inbox, with the note that is being written", async () => {
    const { run_id } = await stage.peach.trigger("approve", { title: "On moraines" });
    const page = await dashboard();
    await page.goto("/approvals");
    const card = page.page.getByRole("article", { name: "approve of approve" }).filter({ hasText: "On moraines" });
    await card.getByLabel("Note").fill("as agreed with");
    await stage.peach.call(`/api/v1/runs/${run_id}/cancel`, { method: "POST" });
    await card.getByText("It waits no longer").waitFor();
    expect(await card.getByLabel("Note").inputValue()).toBe("as agreed with");
    expect(await seriousFaults(page, "dark")).toEqual([]);
    await card.getByRole("button", { name: "Remove" }).click();
    await card.waitFor({ state: "detached" });
  });

  it("acting in the dashboard lets who may only trigger see that a task waits, but not complete it", async () => {
    const { run_id } = await stage.peach.trigger("approve");
    const page = await dashboard();
    const session = { name: "somebody", scopes: ["trigger"], expires_at: null };
    await page.page.route("**/dashboard/session", (route) => route.fulfill({ json: session }));
    await page.goto(`/runs/${run_id}?task=approve`);
    await page.text("Waits for somebody to complete it").waitFor();
    expect([await page.button("Complete…").count(), await page.text("/complete/").count()]).toEqual([0, 0]);
  });

  it("acting in the dashboard pauses a task, whose attempts are held back until it is resumed", async () => {
    const page = shared;
    await page.show("/triggers/tasks/notify");
    await page.button("Pause the task").click();
    await page.button("Resume the task").waitFor();
    const { run_id } = await stage.peach.trigger("transcribe", WHOLE);
    await page.show(`/runs/${run_id}?task=notify`);
    await page.boxIs("archive", "succeeded");
    await page.text("Paused, since").waitFor();
    await page.boxIs("notify", "queued");
    await page.show("/triggers/tasks/notify");
    await page.page.locator(".pill", { hasText: "paused" }).waitFor();
    await page.button("Resume the task").click();
    await page.button("Pause the task").waitFor();
    await page.show(`/runs/${run_id}`);
    await page.boxIs("notify", "succeeded");
  });

  it("acting in the dashboard tries a dead letter again: says why it failed once more, and which run it has started in the end", async () => {
    const page = shared;
    await fetch(`${stage.runtime.url}/dev/r2/uploads/wary/a.bin`, { method: "PUT", body: "x" });
    await expect
      .poll(async () => (await stage.peach.call("/api/v1/dead-letters")).text(), { timeout: 20_000 })
      .toContain("wary/a.bin");
    await page.show("/dead-letters");
    const letter = page.page.getByRole("article").filter({ hasText: "wary/a.bin" });
    await letter.getByText("not yet").waitFor();
    await letter.getByRole("button", { name: "Try again" }).click();
    const toast = page.page.locator(".toast-bad", { hasText: "not yet" });
    await toast.getByRole("button", { name: "Dismiss" }).click();
    await toast.waitFor({ state: "detached" });
    await letter.getByRole("button", { name: "Try again" }).click();
    await letter.waitFor({ state: "detached" });
    await page.page.getByRole("status").getByRole("link", { name: "wary" }).click();
    await page.boxIs("wary", "succeeded");
    const run = await stage.peach.run(await page.runId());
    expect(run.trigger).toMatchObject({ source: "r2", by: "uploads/wary/a.bin" });
  });

  it("acting in the dashboard shows slots in use, and who waits for one", async () => {
    const first = await stage.peach.trigger("single");
    await expect.poll(() => stage.recorder.waitingAt("single"), { timeout: 20_000 }).toBe(1);
    const second = await stage.peach.trigger("single");
    const page = shared;
    await page.show("/limits");
    const limit = page.page.getByRole("row", { name: /single 1 at once/ });
    await limit.getByText("1 / 1").waitFor();
    await limit.getByRole("cell", { name: "1", exact: true }).waitFor();
    await page.show(`/runs/${second.run_id}`);
    await page.text("waits for a slot").waitFor();
    stage.recorder.open("single");
    await stage.peach.finished(first.run_id);
    await expect.poll(() => stage.recorder.waitingAt("single"), { timeout: 20_000 }).toBe(1);
    stage.recorder.open("single");
    await page.boxIs("single", "succeeded");
  });

  it("acting in the dashboard emits an event, and shows what it triggered", async () => {
    const page = shared;
    await page.show("/triggers/events");
    await page.button("Emit").click();
    await page.page.getByRole("link", { name: "hostile", exact: true }).click();
    await page.boxIs("raw", "succeeded");
  });
});
