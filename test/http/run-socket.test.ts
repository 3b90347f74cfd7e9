import { env } from "../support/env.ts";
import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { IdentityObject } from "../../src/objects/identity/identity-object.ts";
import { ADMIN_TOKEN, edge } from "../support/edge.ts";
import { acceptance, HandDrivenRun, newRunId, only } from "../support/hand-driven.ts";
import { inline, succeeded } from "../support/settlements.ts";
import { planOf, taskPlan } from "../support/plan.ts";

// first ─▶ second
const CHAIN = planOf([
  taskPlan("first", { method: "scripted", downstream: ["second"] }),
  taskPlan("second", { method: "scripted", upstream: ["first"] }),
]);
const send = edge(CHAIN);
/** Sends no token. */
const browser = edge(CHAIN, { withoutToken: true });
const OWN = { "X-Peach-Dashboard": "1", "Sec-Fetch-Site": "same-origin" };
const UPGRADE = { headers: { Upgrade: "websocket" } };
const messages = z.array(z.object({ id: z.number().nullable(), event: z.string(), data: z.unknown() }));

let open: SocketListener[] = [];
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  for (const listener of open) listener.socket.close();
  open = [];
});

/** Whoever is at the other end of a WebSocket. */
class SocketListener {
  readonly socket: WebSocket;
  readonly heard: z.infer<typeof messages> = [];
  pongs = 0;
  closeCode: number | null = null;
  closeReason: string | null = null;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.addEventListener("message", ({ data }) => {
      if (data === "pong") this.pongs += 1;
      else this.heard.push(...messages.parse(JSON.parse(String(data))));
    });
    socket.addEventListener("close", ({ code, reason }) => {
      this.closeCode = code;
      this.closeReason = reason;
    });
    socket.accept();
    open.push(this);
  }

  static async to(runId: string, after?: number, headers: Readonly<Record<string, string>> = {}) {
    const query = after === undefined ? "" : `?after=${after}`;
    const from = headers["Cookie"] === undefined ? send : browser;
    const response = await from(`/api/v1/runs/${runId}/events${query}`, {
      headers: { ...UPGRADE.headers, ...headers },
    });
    expect(response.status).toBe(101);
    if (response.webSocket === null) throw new Error("no WebSocket");
    return new SocketListener(response.webSocket);
  }

  get told(): string[] {
    return this.heard.map(({ id, event }) => `${id} ${event}`);
  }

  until(told: readonly string[]): Promise<unknown> {
    return vi.waitFor(() => expect(this.told).toEqual(told), { timeout: 10_000, interval: 5 });
  }
}

async function begun() {
  const { run, answer } = await HandDrivenRun.accept(acceptance(CHAIN, "first"));
  return { run, lease: only(answer.grant) };
}

/** The cookie of a new session. */
async function logIn(token: string): Promise<string> {
  const response = await browser("/dashboard/login", { method: "POST", headers: OWN, body: JSON.stringify({ token }) });
  expect(response.status).toBe(200);
  return (response.headers.get("Set-Cookie") ?? "").split(";")[0] ?? "";
}

async function makeToken(more: object = {}): Promise<{ readonly name: string; readonly token: string }> {
  const body = JSON.stringify({ name: crypto.randomUUID(), scopes: ["read"], ...more });
  return (await send("/api/v1/tokens", { method: "POST", body })).json();
}

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

/** The object itself, as another isolate would reach it: what is kept in this one is not forgotten. */
const identity = () => env.IDENTITY.getByName("identity");

describe("a WebSocket on GET /runs/{id}/events", () => {
  it("a WebSocket on GET /runs/{id}/events tells the run as it is, each change and the end, and is closed then", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { run, lease } = await begun();
    vi.setSystemTime(Date.now() + 2_000);
    const listener = await SocketListener.to(run.id);
    const document = await run.document();
    expect(document.work_ms).toBe(2_000);
    // Each look at what is heard moves the clock on.
    await listener.until(["1 run"]);
    expect(listener.heard[0]?.data).toEqual(document);
    const second = only(await run.settle(succeeded(lease)));
    await run.settle(succeeded(second));
    await listener.until(["1 run", "2 change", "3 change", "3 end"]);
    await vi.waitFor(() => expect(listener.closeCode).toBe(1_000), 10_000);
  });

  it("a WebSocket on GET /runs/{id}/events is told what happens after the object has slept, without connecting again", async () => {
    const { run, lease } = await begun();
    const listener = await SocketListener.to(run.id);
    await listener.until(["1 run"]);
    await run.evict();
    const second = only(await run.settle(succeeded(lease)));
    await listener.until(["1 run", "2 change"]);
    await run.evict();
    await run.settle(succeeded(second));
    await listener.until(["1 run", "2 change", "3 change", "3 end"]);
  });

  it("a WebSocket on GET /runs/{id}/events tells what came after the position, and the end of a run that has ended", async () => {
    const { run, lease } = await begun();
    const second = only(await run.settle(succeeded(lease)));
    await (await SocketListener.to(run.id, 1)).until(["2 change"]);
    await run.settle(succeeded(second));
    await (await SocketListener.to(run.id, 2)).until(["3 change", "3 end"]);
    await (await SocketListener.to(run.id)).until(["3 run", "3 end"]);
  });

  it("a WebSocket on GET /runs/{id}/events tells a long journal in parts: it is closed after a megabyte, and goes on when it comes again", async () => {
    const { run, lease } = await begun();
    // Each change tells all steps of the task, so together they are some megabytes.
    for (let nth = 0; nth < 250; nth += 1)
      await run.call((object) => object.recordStep({ ...lease, name: `${nth} ${"x".repeat(80)}`, result: inline(0) }));
    const first = await SocketListener.to(run.id, 1);
    await vi.waitFor(() => expect(first.closeCode).toBe(1_013), { timeout: 10_000 });
    const last = first.heard.at(-1)?.id ?? 0;
    const second = await SocketListener.to(run.id, last);
    await second.until(Array.from({ length: 251 - last }, (_, nth) => `${last + nth + 1} change`));
    expect(first.told).toEqual(Array.from({ length: last - 1 }, (_, nth) => `${nth + 2} change`));
    expect([last > 100, last < 251, second.closeCode]).toEqual([true, true, null]);
    await run.settle(succeeded(lease));
    await vi.waitFor(() => expect(second.told.at(-1)).toBe("252 change"), { timeout: 10_000 });
  });

  it("a WebSocket on GET /runs/{id}/events is answered when it pings", async () => {
    const { run } = await begun();
    const listener = await SocketListener.to(run.id);
    listener.socket.send("ping");
    await vi.waitFor(() => expect(listener.pongs).toBe(1), 10_000);
  });

  it("a WebSocket on GET /runs/{id}/events leaves the others listening when one goes", async () => {
    const { run, lease } = await begun();
    const [going, staying] = [await SocketListener.to(run.id), await SocketListener.to(run.id)];
    going.socket.close(1_000);
    await vi.waitFor(() => expect(going.closeCode).toBe(1_000), 10_000);
    await run.settle(succeeded(lease));
    await staying.until(["1 run", "2 change"]);
    expect(going.told).toEqual(["1 run"]);
  });

  it("a WebSocket on GET /runs/{id}/events is refused for a run that there is not, to a stranger, and to the page of another site", async () => {
    const { run } = await begun();
    expect((await send(`/api/v1/runs/${newRunId()}/events`, UPGRADE)).status).toBe(404);
    const refused = await send(`/api/v1/runs/${run.id}/events?after=x`, UPGRADE);
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { errors: [{ path: "query.after", message: "the id of an event of the run" }] },
    ]);
    expect((await browser(`/api/v1/runs/${run.id}/events`, UPGRADE)).status).toBe(401);
    const cookie = await logIn(ADMIN_TOKEN);
    const from = (origin: string): Promise<Response> =>
      browser(`/api/v1/runs/${run.id}/events`, { headers: { ...UPGRADE.headers, Cookie: cookie, Origin: origin } });
    expect((await from("https://evil.example")).status).toBe(403);
    const welcome = await from("http://localhost");
    expect(welcome.status).toBe(101);
    if (welcome.webSocket !== null) open.push(new SocketListener(welcome.webSocket));
  });
});

describe("a WebSocket whose listener is let in no more", () => {
  const ENDED = { closeCode: 3_000, closeReason: "the token or session has ended" };

  async function isClosed(listener: SocketListener, as: Partial<SocketListener> = ENDED): Promise<void> {
    await vi.waitFor(() => expect(listener).toMatchObject(as), { timeout: 10_000 });
  }

  /** What is asked about a token or session now is asked anew. */
  function letFiveSecondsPass(): void {
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 5_000);
  }

  it("a WebSocket whose listener is let in no more is told nothing that happens five seconds after its token was deleted, and is closed instead; others go on", async () => {
    const { run, lease } = await begun();
    const { name, token } = await makeToken();
    const ended = await SocketListener.to(run.id, undefined, bearer(token));
    const goesOn = await SocketListener.to(run.id, undefined, bearer((await makeToken()).token));
    await Promise.all([ended.until(["1 run"]), goesOn.until(["1 run"])]);
    expect(await identity().deleteToken(name)).toBe(true);
    letFiveSecondsPass();
    await run.settle(succeeded(lease));
    await isClosed(ended);
    await goesOn.until(["1 run", "2 change"]);
    expect(ended.told).toEqual(["1 run"]);
  });

  it("a WebSocket whose listener is let in no more is closed also where the object has slept meanwhile, and when the token expires", async () => {
    const { run, lease } = await begun();
    const { token } = await makeToken({ expires_in: "1m" });
    const listener = await SocketListener.to(run.id, undefined, bearer(token));
    await listener.until(["1 run"]);
    await run.evict();
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 60_000);
    await run.settle(succeeded(lease));
    await isClosed(listener);
    expect(listener.told).toEqual(["1 run"]);
  });

  it.each(["its session is ended", "the token of its session is deleted"])(
    "a WebSocket whose listener is let in no more is closed when %s",
    async (why) => {
      const { run, lease } = await begun();
      const { name, token } = await makeToken();
      const cookie = await logIn(token);
      const listener = await SocketListener.to(run.id, undefined, { ...OWN, Cookie: cookie });
      await listener.until(["1 run"]);
      const session = (await identity().sessions()).find((each) => each.token === name);
      if (session === undefined) throw new Error("there is no session");
      if (why.startsWith("its")) await identity().endSession(session.id);
      else await identity().deleteToken(name);
      letFiveSecondsPass();
      await run.settle(succeeded(lease));
      await isClosed(listener);
      expect(listener.told).toEqual(["1 run"]);
    },
  );

  it("a WebSocket whose listener is let in no more is closed when it pings, though nothing happens to its run", async () => {
    const { run } = await begun();
    const { name, token } = await makeToken();
    const listener = await SocketListener.to(run.id, undefined, bearer(token));
    await listener.until(["1 run"]);
    await send(`/api/v1/tokens/${name}`, { method: "DELETE" });
    letFiveSecondsPass();
    listener.socket.send("ping");
    await isClosed(listener);
    expect(listener.pongs).toBe(0);
  });

  it("a WebSocket whose listener is let in no more does not use its session: one that is only listened with ends after twelve hours", async () => {
    const { run } = await begun();
    const cookie = await logIn((await makeToken()).token);
    const listener = await SocketListener.to(run.id, undefined, { ...OWN, Cookie: cookie });
    vi.useFakeTimers({ toFake: ["Date"] });
    const begunAt = Date.now();
    for (const hours of [6, 11]) {
      vi.setSystemTime(begunAt + hours * 3_600_000);
      listener.socket.send("ping");
      await vi.waitFor(() => expect(listener.pongs).toBe(hours === 6 ? 1 : 2), { timeout: 10_000 });
    }
    vi.setSystemTime(begunAt + 12 * 3_600_000 + 1);
    listener.socket.send("ping");
    await isClosed(listener);
  });

  it("a WebSocket whose listener is let in no more is told to come again, and nothing else, while nobody can say whether it is", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const { run, lease } = await begun();
    const listener = await SocketListener.to(run.id, undefined, bearer((await makeToken()).token));
    await listener.until(["1 run"]);
    vi.spyOn(IdentityObject.prototype, "tokens").mockImplementation(async () => {
      throw new Error("Network connection lost.");
    });
    letFiveSecondsPass();
    await run.settle(succeeded(lease));
    await isClosed(listener, { closeCode: 1_013, closeReason: "it cannot be found out now who listens" });
    expect(listener.told).toEqual(["1 run"]);
  });
});
