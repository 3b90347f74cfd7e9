import { afterEach, describe, expect, it, vi } from "vitest";
import {
  applyRunEvent,
  createClient,
  type RunChange,
  type RunDocument,
  type RunEvent,
} from "../../src/client/client.ts";
import type { LogEvent } from "../../src/contract/run-events.ts";
import { parseEvents } from "../../src/client/event-stream.ts";
import { FINAL, RUN, summary, TASK } from "./documents.ts";
import { type Answer, events, problem, serve } from "./scripted-server.ts";

afterEach(() => {
  vi.useRealTimers();
});

const LOG = {
  task: "a",
  attempt: 1,
  at: "2026-11-22T00:00:01.500Z",
  level: "info",
  message: "hi",
  fields: null,
} satisfies LogEvent;

function sse(event: string, data: unknown, id?: string): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}${id === undefined ? "" : `\nid: ${id}`}`;
}

/** What a change to this status says. */
function changeTo(status: "running" | "succeeded"): RunChange {
  const { started_at, finished_at, duration_ms } = status === "running" ? RUN : FINAL;
  return { run: { status, started_at, finished_at, duration_ms }, tasks: [{ ...TASK, status }], children: [] };
}
const change = (status: "running" | "succeeded", id: string): string => sse("change", changeTo(status), id);

async function follow(...answers: readonly Answer[]) {
  const { url, asked } = await serve(...answers);
  const peach = createClient({ url, token: "t" });
  const seen: RunEvent[] = [];
  for await (const event of peach.runs.events("run_1")) seen.push(event);
  return { asked, seen, types: seen.map(({ type }) => type) };
}

describe("the events of a run", () => {
  it("come until it is final; what this client does not know is left out", async () => {
    const { seen, asked } = await follow(
      events([
        ": comment",
        sse("run", RUN, "1"),
        sse("novelty", {}),
        sse("log", LOG),
        change("succeeded", "2"),
        sse("end", { status: "succeeded" }, "3"),
      ]),
    );
    expect(seen).toEqual([
      { type: "run", id: "1", run: RUN },
      { type: "log", line: LOG },
      { type: "change", id: "2", change: changeTo("succeeded") },
      { type: "end", id: "3", status: "succeeded" },
    ]);
    expect(asked.map(({ path, headers }) => [path, headers.accept, headers["last-event-id"]])).toEqual([
      ["/runs/run_1/events", "text/event-stream", undefined],
    ]);
  });

  it("the events of a run go on after the last one when the connection breaks, in the middle of one, or ends", async () => {
    const { types, asked } = await follow(
      events([sse("run", RUN, "1"), change("running", "2")], "break", "event: change\ndata: {"),
      "break",
      problem(503, "overloaded"),
      events([change("running", "3"), sse("log", LOG)]),
      events([sse("end", { status: "failed" }, "4")]),
    );
    expect(types).toEqual(["run", "change", "change", "log", "end"]);
    expect(asked.map(({ headers }) => headers["last-event-id"])).toEqual([undefined, "2", "2", "2", "3"]);
  });

  it("the events of a run go on after an event that the caller names", async () => {
    const { url, asked } = await serve(events([sse("end", { status: "failed" })]));
    for await (const event of createClient({ url, token: "t" }).runs.events("run_1", { lastEventId: "7" }))
      expect(event).toEqual({ type: "end", id: null, status: "failed" });
    expect(asked[0]?.headers["last-event-id"]).toBe("7");
  });

  it("the events of a run are over for a caller that goes on behind the end", async () => {
    const { url, asked } = await serve({ status: 204 });
    for await (const event of createClient({ url, token: "t" }).runs.events("run_1", { lastEventId: "9" }))
      expect(event).toBe(undefined);
    expect(asked.map(({ path }) => path)).toEqual(["/runs/run_1/events"]);
  });

  it("end with the end also when the connection breaks between the last change and it", async () => {
    const { seen, asked } = await follow(events([sse("run", RUN, "1"), change("succeeded", "2")], "break"), {
      status: 204,
    });
    expect(seen.at(-1)).toEqual({ type: "end", id: "2", status: "succeeded" });
    expect(asked.map(({ headers }) => headers["last-event-id"])).toEqual([undefined, "2"]);
  });

  it("the events of a run are refused where the stream is", async () => {
    await expect(follow(problem(404, "unknown_run"))).rejects.toMatchObject({ code: "unknown_run" });
  });

  it("end when the signal is aborted, and when the caller leaves", async () => {
    const { url, asked } = await serve(events([sse("run", RUN, "1")], "open"));
    const { runs } = createClient({ url, token: "t" });
    const told = new AbortController();
    const following = async (): Promise<void> => {
      for await (const { type } of runs.events("run_1", { signal: told.signal }))
        if (type === "run") told.abort(new Error("enough"));
    };
    await expect(following()).rejects.toThrow("enough");
    for await (const { type } of runs.events("run_1")) {
      expect(type).toBe("run");
      break;
    }
    expect(asked).toHaveLength(2);
  });
});

describe("the result of a run", () => {
  it("the result of a run is its document once it is final", async () => {
    const { url, asked } = await serve(events([sse("run", RUN, "1"), sse("end", { status: "succeeded" })]), {
      body: FINAL,
    });
    expect(await createClient({ url, token: "t" }).runs.result("run_1")).toEqual(FINAL);
    expect(asked.map(({ path }) => path)).toEqual(["/runs/run_1/events", "/runs/run_1"]);
  });

  it("the result of a run rejects when the time is up, and with the signal's reason when that is aborted", async () => {
    const { url } = await serve(events([sse("run", RUN, "1")], "open"));
    const { runs } = createClient({ url, token: "t" });
    await expect(runs.result("run_1", { timeout: 50 })).rejects.toMatchObject({
      name: "PeachTimeoutError",
      code: "result_timeout",
      detail: "The run run_1 was not final within 50 ms.",
    });
    await expect(runs.result("run_1", { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
    await expect(runs.result("run_1", { timeout: "soon" })).rejects.toThrow("a duration is written like");
  });
});

describe("the result of a run that takes long", () => {
  it("the result of a run that takes long is waited for also where the timeout is longer than a timer can be", async () => {
    const { url } = await serve(events([sse("run", RUN, "1"), sse("end", { status: "succeeded" })]), { body: FINAL });
    expect(await createClient({ url, token: "t" }).runs.result("run_1", { timeout: "30d" })).toEqual(FINAL);
  });

  it("the result of a run that takes long is not waited for at an address that answers with a page in place of events", async () => {
    const { url } = await serve((response) => {
      response.writeHead(200, { "Content-Type": "text/html" }).end("<html>");
    });
    await expect(createClient({ url, token: "t" }).runs.result("run_1", { timeout: "5s" })).rejects.toMatchObject({
      code: "unexpected_answer",
    });
  });
});

describe("the feed", () => {
  it("the feed tells runs as they change, across broken connections", async () => {
    const { url, asked } = await serve(
      events([sse("run", summary({ status: "queued" }), "1"), "retry: 1000\nid: 5"], "break"),
      events([sse("reset", {}, "7"), sse("run", summary({ status: "running" }), "8")], "open"),
    );
    const seen: unknown[] = [];
    for await (const event of createClient({ url, token: "t" }).runs.feed({ task: "a" })) {
      seen.push(event.type === "run" ? event.run.status : event.type);
      if (seen.length === 3) break;
    }
    expect(seen).toEqual(["queued", "reset", "running"]);
    expect(asked.map(({ path, headers }) => [path, headers["last-event-id"]])).toEqual([
      ["/runs/feed?task=a", undefined],
      ["/runs/feed?task=a", "5"],
    ]);
  });
});

describe("a document that is kept up to date", () => {
  it("a document that is kept up to date is the one that the stream began with, and every change after it", () => {
    const succeeded = { ...TASK, status: "succeeded" } as const;
    const steps: readonly RunEvent[] = [
      { type: "run", id: "1", run: RUN },
      { type: "progress", progress: { task: "a", attempt: 1, fraction: 0.5, message: "half", at: "x" } },
      { type: "progress", progress: { task: "b", item: 3, attempt: 1, fraction: 0.5, message: "half", at: "x" } },
      {
        type: "change",
        id: "2",
        change: {
          run: { status: "running", started_at: "s", finished_at: null, duration_ms: null },
          tasks: [succeeded],
          children: [...RUN.children, { run_id: "run_3", task: "d" }],
        },
      },
      { type: "end", id: "3", status: "failed" },
    ];
    const seen: (RunDocument | null)[] = [];
    for (const event of steps) seen.push(applyRunEvent(seen.at(-1) ?? null, event));
    expect(seen[1]?.tasks.map(({ progress }) => progress?.fraction)).toEqual([0.5, undefined]);
    expect(seen[2]).toEqual(seen[1]);
    expect(seen[3]).toMatchObject({ started_at: "s", tasks: [succeeded, { task: "b", status: "pending" }] });
    expect(seen[3]?.children.map(({ run_id }) => run_id)).toEqual(["run_2", "run_3"]);
    expect(seen[4]?.status).toBe("failed");
  });

  it("a document that is kept up to date is none as long as the stream has brought none", () => {
    expect(applyRunEvent(null, { type: "end", id: null, status: "failed" })).toBe(null);
  });
});

describe("a stream of events", () => {
  const TEXT = ": hi\r\nevent: a\r\ndata: 1\r\n\r\ndata:2\rdata: ü\n\nid: 7\ndata\n\nid: 8\n\nevent: lost\ndata: 4\n";
  const READ = [
    { event: "a", data: "1", id: null },
    { event: "message", data: "2\nü", id: null },
    { event: "message", data: "", id: "7" },
    { event: "message", data: null, id: "8" },
  ];

  it("a stream of events is read the same wherever it is cut", async () => {
    const bytes = new TextEncoder().encode(TEXT);
    for (const size of [1, 2, 3, 7, bytes.length]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        bytes.slice(index * size, (index + 1) * size),
      );
      const seen = [];
      for await (const event of parseEvents(new Blob(chunks).stream())) seen.push(event);
      const one = new ReadableStream<Uint8Array>({
        start(controller) {
          for (const chunk of chunks) controller.enqueue(chunk);
          controller.close();
        },
      });
      const cut = [];
      for await (const event of parseEvents(one)) cut.push(event);
      expect([seen, cut]).toEqual([READ, READ]);
    }
  });

  it("a stream of events is taken for dead after 45 seconds of silence, in which the server would have spoken three times", async () => {
    vi.useFakeTimers();
    const silent = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });
    let fault: unknown = null;
    const reading = parseEvents(silent)
      .next()
      .catch((error: unknown) => (fault = error));
    await vi.advanceTimersByTimeAsync(44_999);
    expect(fault).toBeNull();
    await vi.advanceTimersByTimeAsync(1);
    expect(fault).toMatchObject({ code: "connection_failed" });
    await reading;
  });

  it("a stream of events that falls silent is broken", async () => {
    const silent = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });
    const reading = async (): Promise<void> => {
      for await (const event of parseEvents(silent, 20)) expect(event).toBe(undefined);
    };
    await expect(reading()).rejects.toMatchObject({
      code: "connection_failed",
      detail: expect.stringContaining("silent"),
    });
  });
});
