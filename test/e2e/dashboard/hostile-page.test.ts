/** What a page of an endpoint can do to somebody who is logged in to the dashboard of the same host: nothing. */
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Stage } from "../stage.ts";
import { CHROMIUM, startChromium } from "./chromium.ts";
import { Dashboard } from "./dashboard.ts";

const SECRET = "merger at forty two million";

/** Ways of reading a run from a script of the same host, each with what it got. They end by themselves, or after three seconds. */
const ATTACKS = `
  const own = { headers: { "X-Peach-Dashboard": "1" } };
  const frame = (path) => new Promise((done) => {
    const frame = document.createElement("iframe");
    frame.onload = () => { try { done(frame.contentDocument.documentElement.outerHTML); } catch (error) { done(String(error)); } };
    frame.src = path;
    document.body.append(frame);
  });
  const running = (path) => new Promise((done) => {
    const script = document.createElement("script");
    script.onload = script.onerror = () => done(String(window.stolen));
    script.src = path;
    document.body.append(script);
  });
  const worker = (path) => new Promise((done) => {
    const worker = new Worker(path);
    worker.onmessage = ({ data }) => done(data);
    worker.onerror = () => done("error");
  });
  const stream = (path) => new Promise((done) => {
    const source = new EventSource(path);
    source.addEventListener("run", ({ data }) => done(data));
    source.onmessage = ({ data }) => done(data);
    source.onerror = () => done("error");
  });
  const socket = (path) => new Promise((done) => {
    const socket = new WebSocket(path.replace(/^http/, "ws"));
    socket.onmessage = ({ data }) => done(data);
    socket.onerror = () => done("error");
  });
  const opened = async (path) => {
    const other = window.open(path);
    if (other === null) return "no window";
    await new Promise((wake) => setTimeout(wake, 1_500));
    return other.document.documentElement.outerHTML;
  };
  const ways = {
    fetch: () => fetch(RUN, own).then((answer) => answer.text()),
    fetchAsFromNowhere: () => fetch(RUN, { ...own, referrerPolicy: "no-referrer", mode: "same-origin" }).then((answer) => answer.text()),
    payload: () => fetch(RUN + "/payload").then((answer) => answer.text()),
    list: () => fetch(API + "/runs?task=hostile", own).then((answer) => answer.text()),
    session: () => fetch(ORIGIN + "/dashboard/session", own).then((answer) => answer.text()),
    frameOfTheDashboard: () => frame(PAGE),
    frameOfThePayload: () => frame(RUN + "/payload"),
    script: () => running(SCRIPT + "/payload"),
    worker: () => worker(SCRIPT + "/payload"),
    events: () => stream(RUN + "/events"),
    socket: () => socket(RUN + "/events"),
    window: () => opened(PAGE),
    serviceWorker: () => navigator.serviceWorker.register(SCRIPT + "/payload").then(() => "registered"),
    cookie: async () => "cookies: " + document.cookie,
    pause: () => fetch(API + "/tasks/hostile/pause", { ...own, method: "POST" }).then(({ status }) => "status " + status),
  };
  const late = () => new Promise((done) => setTimeout(done, 3_000, "nothing came"));
  window.done = Promise.all(Object.entries(ways).map(async ([name, way]) => {
    try { return [name, await Promise.race([way(), late()])]; } catch (error) { return [name, String(error)]; }
  })).then(Object.fromEntries);
`;

let stage: Stage;
let browser: Browser;
let confidential = "";
let script = "";
let visitor: Dashboard;

describe.skipIf(CHROMIUM === null)("a page of a hostile endpoint, opened by somebody who is logged in", () => {
  beforeAll(async () => {
    [stage, browser] = await Promise.all([Stage.open("dashboard"), startChromium()]);
    const [told, code] = await Promise.all([
      stage.peach.trigger("hostile", { payload: SECRET }),
      stage.peach.triggerBody(
        "beat5",
        `globalThis.stolen = "${SECRET}"; globalThis.document ? document.title = "${SECRET}" : postMessage(stolen)`,
        { contentType: "text/javascript" },
      ),
    ]);
    [confidential, script] = [told.run_id, code.run_id];
    await Promise.all([stage.peach.finished(confidential), stage.peach.finished(script)]);
  });
  beforeEach(async () => {
    visitor = await Dashboard.open(browser, stage.runtime);
  });
  afterEach(() => visitor.close());
  afterAll(async () => {
    await browser.close();
    await stage.close();
  });

  it("cannot read a run, and changes nothing", async () => {
    const { page } = visitor;
    const { url } = stage.runtime;
    await visitor.goto(`/runs/${confidential}?task=hostile&tab=read`);
    // The person at the browser may see it.
    await visitor.text(SECRET).waitFor();

    const known = {
      ORIGIN: url,
      API: `${url}/api/v1`,
      PAGE: `${url}/dashboard/runs/${confidential}?task=hostile&tab=read`,
    };
    const paths = { ...known, RUN: `${known.API}/runs/${confidential}`, SCRIPT: `${known.API}/runs/${script}` };
    const names = Object.entries(paths).map(([name, value]) => `const ${name} = ${JSON.stringify(value)};`);
    const say = encodeURIComponent(`<script>${names.join("")}${ATTACKS}</script>`);
    await page.goto(`${url}/mirror?say=${say}`);
    // Its script did run: what is shown here is not that there was none.
    const got: Record<string, string> = JSON.parse(String(await page.evaluate("window.done.then(JSON.stringify)")));

    const read = Object.entries(got).filter(([, text]) => text.includes(SECRET) || text.includes('"run_id"'));
    expect(read).toEqual([]);
    expect(got["session"]).not.toContain("expires_at");
    expect(got["frameOfTheDashboard"]).not.toContain("<title>");
    expect(got["serviceWorker"]).not.toBe("registered");
    expect(got["cookie"]).not.toBe("cookies: ");
    expect(got["pause"]).not.toBe("status 200");
    expect(await page.title()).toBe("mirror");
  });

  it("finds no script in a payload, even where it could write into the dashboard's own page", async () => {
    const { page } = visitor;
    const { url } = stage.runtime;
    // As if the page had a hole: a script is in its markup.
    await page.route(`${url}/dashboard/runs`, async (route) => {
      const answer = await route.fetch();
      const tag = `<script src="/api/v1/runs/${script}/payload"></script>`;
      await route.fulfill({ response: answer, body: (await answer.text()).replace("</head>", `${tag}</head>`) });
    });
    await visitor.goto("/runs");
    await page.getByRole("heading", { level: 1, name: "Runs" }).waitFor();
    expect(await page.evaluate("String(window.stolen)")).toBe("undefined");
    expect(visitor.faults.filter((fault) => fault.includes("Content Security Policy"))).toHaveLength(1);
  });
});
