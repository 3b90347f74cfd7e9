import { afterEach, beforeEach, expect, it, vi } from "vitest";

/** A WebSocket of the browser's; the test says what comes over it. */
class Socket extends EventTarget {
  static all: Socket[] = [];
  readonly url: URL;
  readonly sent: string[] = [];

  constructor(url: URL) {
    super();
    this.url = url;
    Socket.all.push(this);
  }

  send(text: string): void {
    this.sent.push(text);
  }

  opens(): void {
    this.dispatchEvent(new Event("open"));
  }

  tells(text: string): void {
    this.dispatchEvent(new MessageEvent("message", { data: text }));
  }

  close(): void {
    this.dispatchEvent(new Event("close"));
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  Socket.all = [];
  vi.stubGlobal("WebSocket", Socket);
  vi.stubGlobal("location", { href: "https://peach.example/dashboard/" });
  vi.stubGlobal("window", globalThis);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function socket(): Socket {
  const last = Socket.all.at(-1);
  if (last === undefined) throw new Error("nothing was opened");
  return last;
}

/** A page that has tried no WebSocket before. */
async function opened() {
  vi.resetModules();
  const { openRunStream } = await import("../../src/dashboard/live/run-stream.ts");
  const stream = openRunStream("run_1", { onEvent: () => undefined, onBroken: () => undefined });
  socket().opens();
  expect(stream.connection.value).toBe("live");
  return stream;
}

it("the WebSocket of a run that breaks is opened again behind the last event that came", async () => {
  const stream = await opened();
  expect(socket().url.href).toBe("wss://peach.example/api/v1/runs/run_1/events");
  socket().tells('[{"id": 7, "event": "run", "data": {}}, {"id": null, "event": "progress", "data": {}}]');
  socket().close();
  expect(stream.connection.value).toBe("reconnecting");
  vi.advanceTimersByTime(500);
  expect(Socket.all).toHaveLength(2);
  expect(socket().url.searchParams.get("after")).toBe("7");
  stream.close();
});

it("the WebSocket of a run that answers no ping is dead, and shown as such", async () => {
  const stream = await opened();
  vi.advanceTimersByTime(30_000);
  socket().tells("pong");
  vi.advanceTimersByTime(30_000);
  expect(socket().sent).toEqual(["ping", "ping"]);
  expect(stream.connection.value).toBe("live");
  vi.advanceTimersByTime(30_000);
  expect(stream.connection.value).toBe("reconnecting");
  stream.close();
});
