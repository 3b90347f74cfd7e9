import { env } from "../../support/env.ts";
import { afterEach, describe, expect, it, vi } from "vitest";
import { parseEvents, type ServerEvent } from "../../../src/client/event-stream.ts";
import { applyRunEvent, readRunEvent, type RunEvent } from "../../../src/client/run-events.ts";
import { newRun } from "../../../src/domain/run/state.ts";
import { Batch, SubscriberHub, type Subscriber } from "../../../src/objects/run/subscribers.ts";
import { LiveAttempts } from "../../../src/objects/run/live-attempts.ts";
import { RunObject } from "../../../src/objects/run/run-object.ts";
import { edge } from "../../support/edge.ts";
import { acceptance, HandDrivenRun, newRunId, only } from "../../support/hand-driven.ts";
import { settlement, succeeded, inline } from "../../support/settlements.ts";
import { loseMessages } from "../../support/lost-messages.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

// first ─▶ second ─▶ third
const CHAIN = planOf([
  taskPlan("first", { method: "scripted", downstream: ["second"] }),
  taskPlan("second", { method: "scripted", upstream: ["first"], downstream: ["third"] }),
  taskPlan("third", { method: "scripted", upstream: ["second"] }),
]);
const send = edge(CHAIN);

async function begun() {
  const { run, answer } = await HandDrivenRun.accept(acceptance(CHAIN, "first"));
  return { run, lease: only(answer.grant) };
}

/** Without the comments that only break the silence. */
async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  for await (const { event, data, id } of parseEvents(body)) if (data !== null) yield { event, data, id };
}

class Listener {
  readonly heard: RunEvent[] = [];
  readonly raw: ServerEvent[] = [];
  isOver = false;
  #hasLeft = false;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  private constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader();
    void this.#listen();
  }

  static async to(runId: string, lastEventId?: string): Promise<Listener> {
    const headers = new Headers(lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId });
    const response = await send(`/api/v1/runs/${runId}/events`, { headers });
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("text/event-stream; charset=utf-8");
    if (response.body === null) throw new Error("no stream");
    return new Listener(response.body);
  }

  get ids(): (string | null)[] {
    return this.raw.map(({ id }) => id);
  }

  get names(): string[] {
    return this.raw.map(({ event }) => event);
  }

  until(check: () => unknown): Promise<unknown> {
    return vi.waitFor(check, { timeout: 10_000, interval: 5 });
  }

  async leave(): Promise<void> {
    this.#hasLeft = true;
    await this.#reader.cancel();
  }

  async #listen(): Promise<void> {
    const reader = this.#reader;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
    });
    try {
      for await (const event of eventsOf(body)) {
        this.raw.push(event);
        const read = readRunEvent(event);
        if (read !== null) this.heard.push(read);
      }
    } catch (error) {
      if (!this.#hasLeft) throw error;
    }
    this.isOver = true;
  }
}

/** The task's status in each change that it is part of. */
function statusesOf(events: readonly RunEvent[], task: string): string[] {
  return events.flatMap((event) =>
    event.type === "change" ? event.change.tasks.filter((each) => each.task === task).map(({ status }) => status) : [],
  );
}

describe("GET /runs/{id}/events", () => {
  it("GET /runs/{id}/events tells the run as it is, each change, and its end; kept up to date, the document is the run's", async () => {
    const { run, lease } = await begun();
    const listener = await Listener.to(run.id);
    await listener.until(() => expect(listener.names).toEqual(["run"]));
    const second = only(await run.settle(succeeded(lease)));
    const third = only(await run.settle(succeeded(second)));
    await run.settle(succeeded(third));
    await listener.until(() => expect(listener.isOver).toBe(true));
    expect(listener.names).toEqual(["run", "change", "change", "change", "end"]);
    expect(listener.ids).toEqual(["1", "2", "3", "4", "4"]);
    expect(statusesOf(listener.heard, "second")).toEqual(["running", "succeeded"]);
    expect(listener.heard.at(-1)).toMatchObject({ type: "end", status: "succeeded" });
    expect(listener.heard.reduce(applyRunEvent, null)).toEqual(await run.document());
  });

  it("GET /runs/{id}/events misses nothing for who comes back with the last id, at every position, also after the object was evicted", async () => {
    const { run, lease } = await begun();
    const second = only(await run.settle(succeeded(lease)));
    await run.settle(succeeded(second));
    await run.evict();
    const whole = await Listener.to(run.id, "0");
    await whole.until(() => expect(whole.ids).toEqual(["1", "2", "3"]));
    for (const position of [1, 2, 3]) {
      const listener = await Listener.to(run.id, `${position}`);
      await listener.until(() => expect(listener.raw).toEqual(whole.raw.slice(position)));
      await listener.leave();
    }
    const late = await Listener.to(run.id, "3");
    await run.call((object) => object.cancel());
    await late.until(() => expect(late.isOver).toBe(true));
    expect(late.ids).toEqual(["4", "4"]);
    expect(late.names).toEqual(["change", "end"]);
    await whole.until(() => expect(whole.ids).toEqual(["1", "2", "3", "4", "4"]));
  });

  it("GET /runs/{id}/events tells all of a long journal to who comes back, page by page", async () => {
    const { run, lease } = await begun();
    for (let nth = 0; nth < 450; nth += 1)
      await run.call((object) => object.recordStep({ ...lease, name: `${nth}`, result: inline(nth) }));
    const listener = await Listener.to(run.id, "1");
    await listener.until(() => expect(listener.raw).toHaveLength(450));
    await run.settle(succeeded(lease));
    await listener.until(() => expect(listener.raw).toHaveLength(451));
    expect(listener.ids).toEqual(Array.from({ length: 451 }, (_, nth) => `${nth + 2}`));
    await listener.leave();
  });

  it("GET /runs/{id}/events of a run that has ended tells the run and its end, or what came after the position, and closes", async () => {
    const { run } = await begun();
    await run.call((object) => object.cancel());
    const listener = await Listener.to(run.id);
    await listener.until(() => expect(listener.isOver).toBe(true));
    expect(listener.names).toEqual(["run", "end"]);
    const back = await Listener.to(run.id, "1");
    await back.until(() => expect(back.isOver).toBe(true));
    expect(back.names).toEqual(["change", "end"]);
  });

  it("GET /runs/{id}/events answers 204 at the end also where something was recorded since: who has found it, whom it has told", async () => {
    const { run } = await begun();
    await run.call((object) => object.watch(newRunId()));
    await run.call((object) => object.cancel());
    const listener = await Listener.to(run.id);
    await listener.until(() => expect(listener.isOver).toBe(true));
    await vi.waitFor(async () => expect((await run.journal()).length).toBeGreaterThan(3), 10_000);
    for (const id of new Set([listener.ids.at(-1) ?? "", "3"])) {
      const answer = await send(`/api/v1/runs/${run.id}/events`, { headers: { "Last-Event-ID": id } });
      expect([id, answer.status]).toEqual([id, 204]);
    }
  });

  it.each(["2", "3", "999"])(
    "GET /runs/{id}/events answers 204 at or behind the end of a run that has ended, asked for with %s",
    async (id) => {
      const { run } = await begun();
      const path = `/api/v1/runs/${run.id}/events`;
      const ask = () => send(path, { headers: { "Last-Event-ID": id } });
      await run.call((object) => object.cancel());
      const answer = await ask();
      expect([answer.status, await answer.text()]).toEqual([204, ""]);
      // Tasks that were cancelled can be retried: the stream is there again.
      await run.call((object) => object.retry());
      const again = await ask();
      expect(again.status).toBe(200);
      await again.body?.cancel();
    },
  );

  it("GET /runs/{id}/events closes behind the end also for a listener that was still catching up when the run ended", async () => {
    const { run, lease } = await begun();
    await run.call((object) => object.recordStep({ ...lease, name: "one", result: inline(1) }));
    const stream = await env.RUNS.getByName(run.id).events(1);
    if (!(stream instanceof ReadableStream)) throw new Error("no stream");
    await run.call((object) => object.cancel());
    const heard: ServerEvent[] = [];
    for await (const event of eventsOf(stream)) heard.push(event);
    expect(heard.map(({ event }) => event)).toEqual(["change", "change", "end"]);
  });

  it.each(["not a position", "99", "-1", "1e3"])(
    "GET /runs/{id}/events begins anew for an id that it has not told: %j",
    async (id) => {
      const { run } = await begun();
      const listener = await Listener.to(run.id, id);
      await listener.until(() => expect(listener.names).toEqual(["run"]));
      await listener.leave();
    },
  );

  it("GET /runs/{id}/events tells what running attempts say, and what they had not said before they ended, once", async () => {
    loseMessages();
    const { run, lease } = await begun();
    const listener = await Listener.to(run.id);
    const line = (message: string) => ({ at: 1_800_000_000_000, level: "info", message, fields: null }) as const;
    const progress = { fraction: 0.5, message: "half", at: 1_800_000_000_000 };
    const report = { ...lease, from: 0, lines: [line("one")], dropped: 0, progress };
    await run.call((object) => object.report([report]));
    await run.call((object) => object.report([report]));
    expect((await run.document()).tasks[0]).toMatchObject({ progress: { fraction: 0.5, message: "half" } });
    expect(await run.call((object) => object.logs("first"))).toMatchObject({ logs: [{ message: "one", attempt: 1 }] });
    const passed = succeeded(lease);
    await run.settle({ ...passed, logs: [line("one"), line("two")], logsDropped: 3, progress });
    await listener.until(() => expect(listener.names).toContain("change"));
    expect(listener.raw.slice(1, -1).map(({ event, data }) => [event, JSON.parse(data)])).toEqual([
      ["progress", { task: "first", attempt: 1, at: "2027-01-15T08:00:00.000Z", fraction: 0.5, message: "half" }],
      [
        "log",
        { task: "first", attempt: 1, at: "2027-01-15T08:00:00.000Z", level: "info", message: "one", fields: null },
      ],
      [
        "log",
        { task: "first", attempt: 1, at: "2027-01-15T08:00:00.000Z", level: "info", message: "two", fields: null },
      ],
      ["log", expect.objectContaining({ level: "warn", fields: { dropped: 3 } })],
    ]);
    expect((await run.document()).tasks[0]).toMatchObject({ status: "succeeded", progress: { fraction: 0.5 } });
    expect(await run.call((object) => object.logs("first"))).toMatchObject({ logs: [{}, {}], dropped: 3 });
    await listener.leave();
  });

  it("GET /runs/{id}/events shows what an attempt says, however much those before it have said", async () => {
    loseMessages();
    const begin = await begun();
    const lines = ["a", "b", "c"].map(
      (letter) => ({ at: 1_800_000_000_000, level: "info", message: letter.repeat(1_000_000), fields: null }) as const,
    );
    let lease = begin.lease;
    for (const task of ["first", "second"]) {
      await begin.run.call((object) => object.report([{ ...lease, from: 0, lines, dropped: 0 }]));
      expect((await begin.run.call((object) => object.logs(task)))?.logs).toHaveLength(3);
      lease = only(await begin.run.settle(succeeded(lease)));
    }
  });

  it("GET /runs/{id}/events answers 404 for a run that is not there", async () => {
    expect((await send(`/api/v1/runs/run_${"0".repeat(26)}/events`)).status).toBe(404);
    expect((await send("/api/v1/runs/none/events")).status).toBe(404);
  });
});

describe("500 listeners of one run", () => {
  it("all hear each change; it is put into words once, and writes not a row more", { timeout: 60_000 }, async () => {
    // All come at one moment: what they are told first has the times up to then.
    vi.useFakeTimers({ toFake: ["Date"] });
    const { run, lease } = await begun();
    const listeners = await Promise.all(Array.from({ length: 500 }, () => Listener.to(run.id)));
    const words = vi.spyOn(Batch.prototype, "bytes", "get");
    const second = only(await run.settle(succeeded(lease)));
    const third = only(await run.settle(succeeded(second)));
    await run.settle(succeeded(third));
    const [one] = listeners;
    await vi.waitFor(() => expect(listeners.every(({ isOver }) => isOver)).toBe(true), { timeout: 30_000 });
    for (const { raw } of listeners) expect(raw).toEqual(one?.raw);
    expect(one?.names).toEqual(["run", "change", "change", "change", "end"]);
    // As often as there are batches: the same bytes for all.
    const batches = new Set(words.mock.instances);
    expect(batches.size).toBeLessThanOrEqual(3);
    expect(await run.journal()).toHaveLength(4);
  });

  it("500 listeners of one run are forgotten when they leave: nothing keeps the object awake for them", async () => {
    const { run, lease } = await begun();
    const listeners = await Promise.all(Array.from({ length: 10 }, () => Listener.to(run.id)));
    const leave = vi.spyOn(SubscriberHub.prototype, "leave");
    for (const listener of listeners) await listener.leave();
    // What is written for one that has gone tells so: a change, or what breaks the silence.
    await run.call((object) => object.recordStep({ ...lease, name: "one", result: inline(1) }));
    await vi.waitFor(() => expect(leave).toHaveBeenCalledTimes(10), { timeout: 10_000 });
    await run.evict();
    expect(await run.document()).toMatchObject({ status: "running" });
  });
});

describe("more listeners than a run may have", () => {
  it("more listeners than a run may have are told to come later, by either way", async () => {
    const { run } = await begun();
    const full = vi.spyOn(SubscriberHub.prototype, "isFull", "get").mockReturnValue(true);
    for (const headers of [{}, { Upgrade: "websocket" }]) {
      const refused = await send(`/api/v1/runs/${run.id}/events`, { headers });
      expect([refused.status, refused.headers.get("Retry-After")]).toEqual([429, "30"]);
      expect(await refused.json()).toMatchObject({ code: "overloaded" });
    }
    full.mockRestore();
    await (await Listener.to(run.id)).leave();
  });

  it("more listeners than a run may have are a thousand; what is held for the slow is shared among them", () => {
    const hub = new SubscriberHub(
      () => new LiveAttempts(() => undefined),
      async () => undefined,
    );
    const member = (): Subscriber => ({
      needsPing: false,
      send: () => true,
      ping: () => true,
      close: () => undefined,
    });
    const seen: unknown[] = [];
    for (let nth = 1; nth <= 1_000; nth += 1) {
      expect(hub.isFull).toBe(false);
      hub.join(member());
      if ([1, 32, 320].includes(nth)) seen.push(hub.maxBufferedBytes);
    }
    expect([...seen, hub.isFull]).toEqual([1_000_000, 1_000_000, 100_000, true]);
  });
});

describe("a listener that does not take what it is sent", () => {
  it(
    "a listener that does not take what it is sent is cut off, and hears the rest when it comes back",
    { timeout: 60_000 },
    async () => {
      const { run, lease } = await begun();
      const stream = await env.RUNS.getByName(run.id).events(null);
      if (!(stream instanceof ReadableStream)) throw new Error("no stream");
      const drop = vi.spyOn(SubscriberHub.prototype, "leave");
      // Each change tells all steps of the task: in the end some 100 KB.
      for (let nth = 0; drop.mock.calls.length === 0; nth += 1) {
        expect(nth).toBeLessThan(1_000);
        const name = `${nth} ${"x".repeat(180)}`;
        await run.call((object) => object.recordStep({ ...lease, name, result: inline(0) }));
      }
      const taken: ServerEvent[] = [];
      for await (const event of eventsOf(stream)) taken.push(event);
      const last = taken.at(-1)?.id ?? "";
      const written = (await run.journal()).length;
      expect(Number(last)).toBeLessThan(written);
      const back = await Listener.to(run.id, last);
      await back.until(() => expect(back.ids.at(-1)).toBe(`${written}`));
      expect([...taken.map(({ id }) => id), ...back.ids]).toEqual(
        Array.from({ length: written }, (_, position) => `${position + 1}`),
      );
      await back.leave();
    },
  );
});

describe("the hub of a run", () => {
  class Deaf implements Subscriber {
    readonly needsPing: boolean = true;
    readonly calls: string[] = [];
    send(): boolean {
      this.calls.push("hear");
      return true;
    }
    ping(): boolean {
      this.calls.push("ping");
      return false;
    }
    close(): void {
      this.calls.push("close");
    }
  }

  it("the hub of a run says something every 15 seconds, and drops who cannot take even that", () => {
    vi.useFakeTimers();
    const hub = new SubscriberHub(
      () => new LiveAttempts(() => undefined),
      async () => undefined,
    );
    const listener = new Deaf();
    hub.join(listener);
    vi.advanceTimersByTime(14_999);
    expect(listener.calls).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(listener.calls).toEqual(["ping", "close"]);
    expect(hub.hasSubscribers).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it("the hub of a run keeps no timer for listeners whose silence the platform breaks: the object may sleep", () => {
    vi.useFakeTimers();
    const hub = new SubscriberHub(
      () => new LiveAttempts(() => undefined),
      async () => undefined,
    );
    class Sleeper extends Deaf {
      override readonly needsPing = false;
    }
    const [sleeper, listener] = [new Sleeper(), new Deaf()];
    hub.join(sleeper);
    expect(vi.getTimerCount()).toBe(0);
    hub.join(listener);
    hub.leave(listener);
    expect(vi.getTimerCount()).toBe(0);
    expect(hub.hasSubscribers).toBe(true);
    vi.useRealTimers();
  });

  it("the hub of a run is told nothing that is not durable yet: it might never have happened", async () => {
    vi.useFakeTimers();
    const durable = Promise.withResolvers<void>();
    const hub = new SubscriberHub(
      () => new LiveAttempts(() => undefined),
      () => durable.promise,
    );
    const listener = new Deaf();
    hub.join(listener);
    const { graph, origin } = acceptance(CHAIN, "first");
    const payload = { at: "run", kind: "json", contentType: "application/json", size: 4, seq: 1, offset: 0 } as const;
    const run = newRun({ id: newRunId(), graph, origin, payload, createdAt: 1, nonce: "n" });
    hub.changed(run, { tasks: [], children: [{ runId: newRunId(), task: "echo" }] }, 2);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(listener.calls).toEqual([]);
    durable.resolve();
    await vi.advanceTimersByTimeAsync(0);
    expect(listener.calls).toEqual(["hear"]);
    hub.leave(listener);
  });

  it("the hub of a run costs a run that nobody listens to nothing", async () => {
    const heard = vi.spyOn(RunObject.prototype, "report");
    const { run, lease } = await begun();
    await run.settle(settlement(lease, { type: "succeeded", output: inline(1), to: null }));
    expect(heard).not.toHaveBeenCalled();
  });
});
