/** What a page of an endpoint can do to somebody who is logged in to the dashboard: nothing. */
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Stage } from "../stage.ts";
import { CHROMIUM, startChromium } from "./chromium.ts";
import { Dashboard } from "./dashboard.ts";

const SECRET = "merger at forty two million";

/**
 * Ways of reading a run from a script of the same host, each with what it got. All end by themselves but three, of which the page is told no
 * end, or not always: a frame whose document becomes a download, one that is refused, and a window, which shows what it does later. The
 * browser knows them, and says so by `downloaded`, `refused` and `shown`.
 */
const ATTACKS = `
  const own = { headers: { "X-Peach-Dashboard": "1" } };
  const frames = {};
  window.refused = (path) => frames[path]?.("refused");
  const frame = (path) => new Promise((done) => {
    const frame = document.createElement("iframe");
    frame.name = path;
    frames[path] = done;
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
    const end = (got) => { source.close(); done(got); };
    source.addEventListener("run", ({ data }) => end(data));
    source.onmessage = ({ data }) => end(data);
    source.onerror = () => end("error");
  });
  const socket = (path) => new Promise((done) => {
    const socket = new WebSocket(path.replace(/^http/, "ws"));
    socket.onmessage = ({ data }) => done(data);
    socket.onerror = () => done("error");
    socket.onclose = ({ code }) => done("closed with " + code);
  });
  const shown = new Promise((done) => { window.shown = done; });
  const downloaded = new Promise((done) => { window.downloaded = () => done("a download"); });
  const opened = async (path) => {
    const other = window.open(path);
    if (other === null) return "no window";
    await shown;
    return other.document.documentElement.outerHTML;
  };
  const ways = {
    fetch: () => fetch(RUN, own).then((answer) => answer.text()),
    fetchAsFromNowhere: () => fetch(RUN, { ...own, referrerPolicy: "no-referrer", mode: "same-origin" }).then((answer) => answer.text()),
    payload: () => fetch(RUN + "/payload").then((answer) => answer.text()),
    list: () => fetch(API + "/runs?task=hostile", own).then((answer) => answer.text()),
    session: () => fetch(ORIGIN + "/dashboard/session", own).then((answer) => answer.text()),
    frameOfTheDashboard: () => frame(PAGE),
    frameOfThePayload: () => Promise.race([frame(RUN + "/payload"), downloaded]),
    script: () => running(SCRIPT + "/payload"),
    worker: () => worker(SCRIPT + "/payload"),
    events: () => stream(RUN + "/events"),
    socket: () => socket(RUN + "/events"),
    window: () => opened(PAGE),
    serviceWorker: () => navigator.serviceWorker.register(SCRIPT + "/payload").then(() => "registered"),
    cookie: async () => "cookies: " + document.cookie,
    pause: () => fetch(API + "/tasks/hostile/pause", { ...own, method: "POST" }).then(({ status }) => "status " + status),
  };
  window.done = Promise.all(Object.entries(ways).map(async ([name, way]) => {
    try { return [name, await way()]; } catch (error) { return [name, String(error)]; }
  })).then(Object.fromEntries);
`;

/** A policy by which an endpoint gives the protection up that it has without one. */
const LAX = "default-src * 'unsafe-inline'";

/** A runtime with a run that tells a secret, and one whose payload is a script. */
class Secrets {
  readonly stage: Stage;
  readonly run: string;
  readonly script: string;

  private constructor(stage: Stage, run: string, script: string) {
    this.stage = stage;
    this.run = run;
    this.script = script;
  }

  static async open(vars?: Readonly<Record<string, string>>): Promise<Secrets> {
    const stage = await Stage.openAsPeopleDo("dashboard", vars);
    const code = `globalThis.stolen = "${SECRET}"; globalThis.document ? document.title = "${SECRET}" : postMessage(stolen)`;
    const [told, scripted] = await Promise.all([
      stage.peach.trigger("hostile", { payload: SECRET }),
      stage.peach.triggerBody("beat5", code, { contentType: "text/javascript" }),
    ]);
    await Promise.all([stage.peach.finished(told.run_id), stage.peach.finished(scripted.run_id)]);
    return new Secrets(stage, told.run_id, scripted.run_id);
  }

  /** Where the person at the browser sees the secret. */
  get page(): string {
    return `/runs/${this.run}?task=hostile&tab=read`;
  }

  /** Opens the hostile page of this host, which tries all it knows against `target`; what each way got. */
  async attack(page: Page, host: string, target: string, policy?: string): Promise<Record<string, string>> {
    const api = `${target}/api/v1`;
    const paths = { ORIGIN: target, API: api, PAGE: `${target}/dashboard${this.page}`, RUN: `${api}/runs/${this.run}` };
    const names = Object.entries({ ...paths, SCRIPT: `${api}/runs/${this.script}` }).map(
      ([name, value]) => `const ${name} = ${JSON.stringify(value)};`,
    );
    const query = new URLSearchParams({ say: `<script>${names.join("")}${ATTACKS}</script>` });
    if (policy !== undefined) query.set("policy", policy);
    // Of a page that is closed all ways have ended.
    const tell = async (what: string): Promise<void> => {
      await page.evaluate(`window.${what}`).catch(() => undefined);
    };
    page.on("framenavigated", async (frame) => {
      if (frame.url().startsWith("chrome-error:")) await tell(`refused(${JSON.stringify(frame.name())})`);
    });
    page.once("download", () => tell("downloaded()"));
    page.once("popup", async (other) => {
      // The run, or that there is nothing at this address.
      const text = other.getByText(SECRET).or(other.getByText("not_found")).first();
      // Where it shows neither, that is what fails, and the page does not wait for it.
      try {
        await text.waitFor();
      } finally {
        await tell("shown()");
      }
    });
    await page.goto(`${host}/mirror?${query.toString()}`);
    // It rejects if the script of the page did not run: that there was none is not what is shown.
    return JSON.parse(String(await page.evaluate("window.done.then(JSON.stringify)")));
  }
}

/** Those ways that got something of a run. */
function readBy(got: Readonly<Record<string, string>>): string[] {
  return Object.keys(got).filter((way) => got[way]?.includes(SECRET) === true || got[way]?.includes('"run_id"'));
}

function expectNothing(got: Readonly<Record<string, string>>): void {
  expect(readBy(got)).toEqual([]);
  expect(got["session"]).not.toContain("expires_at");
  expect(got["frameOfTheDashboard"]).not.toContain("<title>");
  expect(got["serviceWorker"]).not.toBe("registered");
  expect(got["pause"]).not.toBe("status 200");
}

let secrets: Secrets;
let browser: Browser;
let visitor: Dashboard;

describe.skipIf(CHROMIUM === null)("a page of a hostile endpoint, opened by somebody who is logged in", () => {
  beforeAll(async () => {
    [secrets, browser] = await Promise.all([Secrets.open(), startChromium()]);
  });
  beforeEach(async () => {
    visitor = await Dashboard.open(browser, secrets.stage.runtime);
  });
  afterEach(() => visitor.close());
  afterAll(async () => {
    await browser.close();
    await secrets.stage.close();
  });

  it("a page of a hostile endpoint, opened by somebody who is logged in, cannot read a run, and changes nothing", async () => {
    const { url } = secrets.stage.runtime;
    await visitor.goto(secrets.page);
    // The person at the browser may see it.
    await visitor.text(SECRET).waitFor();
    const got = await secrets.attack(visitor.page, url, url);
    expectNothing(got);
    expect(got["cookie"]).not.toBe("cookies: ");
    expect(await visitor.page.title()).toBe("mirror");
  });

  it("a page of a hostile endpoint, opened by somebody who is logged in, could do all that without the policy that it is given", async () => {
    const { url } = secrets.stage.runtime;
    const got = await secrets.attack(visitor.page, url, url, LAX);
    expect(readBy(got)).toEqual(expect.arrayContaining(["fetch", "payload", "list", "events", "socket"]));
  });

  it("a page of a hostile endpoint, opened by somebody who is logged in, can do none of it, under whatever policy, where the dashboard has a host of its own", async () => {
    const apart = await Secrets.open({ PEACH_CONSOLE_HOST: "localhost" });
    const { runtime } = apart.stage;
    const console = runtime.url.replace("127.0.0.1", "localhost");
    const asPerson = async (work: (person: Dashboard) => Promise<void>): Promise<void> => {
      const person = await Dashboard.open(browser, { ...runtime, url: console });
      try {
        await work(person);
      } finally {
        await person.close();
      }
    };
    try {
      // Each with a browser of its own: the windows that the other one has opened are not there.
      for (const target of [runtime.url, console])
        await asPerson(async (person) => {
          await person.goto(apart.page);
          await person.text(SECRET).waitFor();
          expectNothing(await apart.attack(person.page, runtime.url, target, LAX));
        });
      await asPerson(async ({ page }) => {
        const there = await page.goto(`${console}/mirror?say=hello`);
        expect(there?.status()).toBe(404);
      });
    } finally {
      await apart.stage.close();
    }
  });

  it("a page of a hostile endpoint, opened by somebody who is logged in, finds no script in a payload, even where it could write into the dashboard's own page", async () => {
    const { page } = visitor;
    const { url } = secrets.stage.runtime;
    // As if the page had a hole: a script is in its markup.
    await page.route(`${url}/dashboard/runs`, async (route) => {
      const answer = await route.fetch();
      const tag = `<script src="/api/v1/runs/${secrets.script}/payload"></script>`;
      await route.fulfill({ response: answer, body: (await answer.text()).replace("</head>", `${tag}</head>`) });
    });
    await visitor.goto("/runs");
    await page.getByRole("heading", { level: 1, name: "Runs" }).waitFor();
    expect(await page.evaluate("String(window.stolen)")).toBe("undefined");
    expect(visitor.faults.filter((fault) => fault.includes("Content Security Policy"))).toHaveLength(1);
  });
});
