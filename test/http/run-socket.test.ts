import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { ADMIN_TOKEN, edge } from "../support/edge.ts";
import { acceptance, HandDrivenRun, newRunId, only, succeeded } from "../support/hand-driven.ts";
import { planOf, taskPlan } from "../support/plan.ts";

// first ─▶ second
const CHAIN = planOf([
  taskPlan("first", { method: "scripted", downstream: ["second"] }),
  taskPlan("second", { method: "scripted", upstream: ["first"] }),
]);
const send = edge(CHAIN);
const UPGRADE = { headers: { Upgrade: "websocket" } };
const messages = z.array(z.object({ id: z.number().nullable(), event: z.string(), data: z.unknown() }));

let open: SocketListener[] = [];
afterEach(() => {
  for (const listener of open) listener.socket.close();
  open = [];
});

/** Whoever is at the other end of a WebSocket. */
class SocketListener {
  readonly socket: WebSocket;
  readonly heard: z.infer<typeof messages> = [];
  pongs = 0;
  closeCode: number | null = null;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.addEventListener("message", ({ data }) => {
      if (data === "pong") this.pongs += 1;
      else this.heard.push(...messages.parse(JSON.parse(String(data))));
    });
    socket.addEventListener("close", ({ code }) => (this.closeCode = code));
    socket.accept();
    open.push(this);
  }

  static async to(runId: string, after?: number): Promise<SocketListener> {
    const query = after === undefined ? "" : `?after=${after}`;
    const response = await send(`/api/v1/runs/${runId}/events${query}`, UPGRADE);
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

describe("a WebSocket on GET /runs/{id}/events", () => {
  it("tells the run as it is, each change and the end, and is closed then", async () => {
    const { run, lease } = await begun();
    const listener = await SocketListener.to(run.id);
    await listener.until(["1 run"]);
    expect(listener.heard[0]?.data).toEqual(await run.document());
    const second = only(await run.settle(succeeded(lease)));
    await run.settle(succeeded(second));
    await listener.until(["1 run", "2 change", "3 change", "3 end"]);
    await vi.waitFor(() => expect(listener.closeCode).toBe(1_000), 10_000);
  });

  it("is told what happens after the object has slept, without connecting again", async () => {
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

  it("tells what came after the position, and the end of a run that has ended", async () => {
    const { run, lease } = await begun();
    const second = only(await run.settle(succeeded(lease)));
    await (await SocketListener.to(run.id, 1)).until(["2 change"]);
    await run.settle(succeeded(second));
    await (await SocketListener.to(run.id, 2)).until(["3 change", "3 end"]);
    await (await SocketListener.to(run.id)).until(["3 run", "3 end"]);
  });

  it("is answered by the platform when it pings", async () => {
    const { run } = await begun();
    const listener = await SocketListener.to(run.id);
    listener.socket.send("ping");
    await vi.waitFor(() => expect(listener.pongs).toBe(1), 10_000);
  });

  it("leaves the others listening when one goes", async () => {
    const { run, lease } = await begun();
    const [going, staying] = [await SocketListener.to(run.id), await SocketListener.to(run.id)];
    going.socket.close(1_000);
    await vi.waitFor(() => expect(going.closeCode).toBe(1_000), 10_000);
    await run.settle(succeeded(lease));
    await staying.until(["1 run", "2 change"]);
    expect(going.told).toEqual(["1 run"]);
  });

  it("is refused for a run that there is not, to a stranger, and to the page of another site", async () => {
    const { run } = await begun();
    expect((await send(`/api/v1/runs/${newRunId()}/events`, UPGRADE)).status).toBe(404);
    const refused = await send(`/api/v1/runs/${run.id}/events?after=x`, UPGRADE);
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { errors: [{ path: "query.after", message: "the id of an event of the run" }] },
    ]);
    const stranger = edge(CHAIN, { withoutToken: true });
    expect((await stranger(`/api/v1/runs/${run.id}/events`, UPGRADE)).status).toBe(401);
    const own = { "X-Peach-Dashboard": "1", "Sec-Fetch-Site": "same-origin" };
    const login = { method: "POST", headers: own, body: JSON.stringify({ token: ADMIN_TOKEN }) };
    const [cookie = ""] = ((await stranger("/dashboard/login", login)).headers.get("Set-Cookie") ?? "").split(";");
    const from = (origin: string): Promise<Response> =>
      stranger(`/api/v1/runs/${run.id}/events`, { headers: { ...UPGRADE.headers, Cookie: cookie, Origin: origin } });
    expect((await from("https://evil.example")).status).toBe(403);
    const welcome = await from("http://localhost");
    expect(welcome.status).toBe(101);
    if (welcome.webSocket !== null) open.push(new SocketListener(welcome.webSocket));
  });
});
