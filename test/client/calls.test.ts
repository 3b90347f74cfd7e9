import { afterEach, describe, expect, it, vi } from "vitest";
import {
  type BulkResult,
  createClient,
  PeachConnectionError,
  PeachError,
  PeachRunError,
  type TriggerOptions,
} from "../../src/client/client.ts";
import { ACCEPTED, FINAL, summary } from "./documents.ts";
import { anything, problem, serve, type Answer } from "./scripted-server.ts";

const NOTHING_FOUND: BulkResult = { dry_run: true, matched: 0, changed: 0, runs: [], next_cursor: null };

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function peachWith(...answers: readonly Answer[]) {
  const server = await serve(...answers);
  return { ...server, peach: createClient<Record<string, unknown>>({ url: `${server.url}/`, token: "secret" }) };
}

async function rejection(promise: Promise<unknown>): Promise<PeachError> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  if (!(error instanceof PeachError)) throw new Error(`this was to reject with a PeachError, not ${String(error)}`);
  return error;
}

/** An answer whose connection breaks before its end. */
const cut: Answer = (response) => {
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": "1000" });
  response.write("{", () => response.socket?.destroy());
};

describe("trigger", () => {
  it("trigger carries the token, a key of its own, and the options", async () => {
    const { peach, asked } = await peachWith({ status: 202, body: ACCEPTED });
    const run = await peach.trigger("a task", { a: 1 }, { delay: "2h", wait: 1_500, tags: ["news", "a&b"] });
    expect(run).toMatchObject({
      run_id: "run_1",
      runId: "run_1",
      task: "t",
      status: "queued",
      deduplicated: false,
      run: null,
    });
    expect(asked).toMatchObject([
      { method: "POST", path: "/tasks/a%20task/trigger?delay=7200000ms&wait=1500ms&tag=news&tag=a%26b" },
    ]);
    expect(asked[0]?.headers).toMatchObject({ authorization: "Bearer secret", "content-type": "application/json" });
    expect(asked[0]?.headers["idempotency-key"]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    [{ a: [null, "ü"] }, "application/json", '{"a":[null,"ü"]}'],
    [undefined, "application/json", "null"],
    ["text", "text/plain; charset=utf-8", "text"],
    ["\ud800", "application/json", '"\\ud800"'],
    [new TextEncoder().encode("xbytes").subarray(1), "application/octet-stream", "bytes"],
    [new TextEncoder().encode("buffer").buffer, "application/octet-stream", "buffer"],
    [new Blob(["<a/>"], { type: "text/xml" }), "text/xml", "<a/>"],
    [new Blob(["stream"]).stream(), "application/octet-stream", "stream"],
  ])("trigger sends %j as %s", async (payload, contentType, body) => {
    const { peach, asked } = await peachWith({ status: 202, body: ACCEPTED });
    await peach.trigger("t", payload);
    expect([asked[0]?.headers["content-type"], asked[0]?.body.toString()]).toEqual([contentType, body]);
  });

  it("trigger refuses what JSON cannot hold, before anything is sent", async () => {
    const { peach, asked } = await peachWith({ status: 202, body: ACCEPTED });
    const error = await rejection(peach.trigger("t", { a: [1n] }));
    expect(error).toMatchObject({ code: "payload_not_serializable", errors: [{ path: "$.a[0]" }] });
    expect(asked).toEqual([]);
  });

  it("trigger is sent again with the same key when the connection breaks, and is no duplicate then", async () => {
    const again = { status: 202, body: { ...ACCEPTED, deduplicated: true } };
    const { peach, asked } = await peachWith("break", problem(503, "overloaded"), again);
    expect(await peach.trigger("t", "x")).toMatchObject({ deduplicated: false });
    expect(asked).toHaveLength(3);
    expect(new Set(asked.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
    expect(asked.map(({ body }) => body.toString())).toEqual(["x", "x", "x"]);
  });

  it("trigger has a key of its own each time where the given one is null, as a field that is absent may be", async () => {
    const { peach, asked } = await peachWith(...Array.from({ length: 6 }, () => anything));
    const options: TriggerOptions = {};
    Reflect.set(options, "idempotencyKey", null);
    for (const _ of [1, 2]) {
      await peach.trigger("t", 1, options);
      await peach.emit("e", 1, options);
      await peach.runs.replay("run_1", options);
    }
    expect(new Set(asked.map(({ headers }) => headers["idempotency-key"])).size).toBe(6);
  });

  it("trigger says whether the caller's key was used before, and gives the run if it waited for it", async () => {
    const { peach, asked } = await peachWith(
      { status: 202, body: { ...ACCEPTED, deduplicated: true } },
      { status: 200, body: FINAL },
    );
    expect(await peach.trigger("t", 1, { idempotencyKey: "mine" })).toMatchObject({ deduplicated: true, run: null });
    expect(asked[0]?.headers["idempotency-key"]).toBe("mine");
    expect(await peach.trigger("t", 1, { idempotencyKey: "mine", wait: "5m" })).toMatchObject({
      status: "succeeded",
      deduplicated: null,
      run: FINAL,
    });
  });

  it("trigger is sent again with the same key when the connection breaks within the answer", async () => {
    const { peach, asked } = await peachWith(cut, { status: 202, body: ACCEPTED });
    expect(await peach.trigger("t", 1)).toMatchObject({ run_id: ACCEPTED.run_id });
    expect(new Set(asked.map(({ headers }) => headers["idempotency-key"]))).toHaveLength(1);
    expect(asked).toHaveLength(2);
  });

  it("trigger does not send a stream twice", async () => {
    const { peach, asked } = await peachWith("break", { status: 202, body: ACCEPTED });
    const error = await rejection(peach.trigger("t", new Blob(["x"]).stream()));
    expect([error.code, asked.length]).toEqual(["connection_failed", 1]);
  });
});

describe("a refusal", () => {
  it("a refusal is an error with code, detail, hint and places", async () => {
    const errors = [{ path: "$.a", message: "expected string" }];
    const { peach } = await peachWith(problem(400, "invalid_payload", { errors }));
    const error = await rejection(peach.trigger("t"));
    expect(error).toMatchObject({ name: "PeachError", code: "invalid_payload", status: 400, requestId: "r1", errors });
    expect(error.message).toBe("It is invalid_payload. Do this.");
  });

  it.each([
    [{ status: 404, body: "<html>" }, 404],
    [{ status: 200, body: new TextEncoder().encode("<html>") }, 200],
    [{ status: 302, headers: { Location: "http://127.0.0.1:1/login" } }, 302],
  ])("a refusal of something that is not Peach is told as that", async (answer, status) => {
    const { peach } = await peachWith(answer);
    const error = await rejection(peach.runs.get("run_1"));
    expect([error.code, error.status]).toEqual(["unexpected_answer", status]);
  });

  it("a call says that nobody is there", async () => {
    const peach = createClient({ url: "http://127.0.0.1:1", token: "t", retryForMs: 0 });
    const error = await rejection(peach.runs.get("run_1"));
    expect(error).toBeInstanceOf(PeachConnectionError);
    expect(error.message).toMatch(/^http:\/\/127.0.0.1:1 cannot be reached: .*npm run dev/);
  });

  it("a refusal of an address or a token that cannot be one is thrown at once", () => {
    expect(() => createClient({ url: "peach", token: "t" })).toThrow("url: expected an address");
    expect(() => createClient({ url: "https://peach.example/api/v1/", token: "t" })).toThrow(
      "url: expected the address without /api/v1, which each call adds, given https://peach.example/api/v1/",
    );
    expect(() => createClient({ url: "", token: "t" })).toThrow("given none");
    expect(() => createClient({ url: "http://x", token: "a b" })).toThrow("token: expected an API token");
    for (const url of ["http://x?a=1", "http://x#a", "http://me:secret@x"]) {
      const creating = (): unknown => createClient({ url, token: "t" });
      expect(creating).toThrow("url: expected an address without a name, a password, ? and #");
      expect(creating).not.toThrow("secret");
    }
  });

  it("a call says that the connection broke within an answer or a payload, where that is not sent again", async () => {
    const { peach } = await peachWith(cut);
    expect((await rejection(peach.runs.cancel("run_1"))).code).toBe("connection_failed");
    const payload = await peach.runs.payload("run_1");
    expect((await rejection(payload.value())).code).toBe("connection_failed");
  });

  it("the error of a run that was cancelled says so", () => {
    const run = { ...FINAL, status: "cancelled" as const };
    expect(new PeachRunError(run, "t").detail).toBe(
      `The task t of the run ${run.run_id} has no output, the run was cancelled.`,
    );
  });
});

describe("an answer that says when to come back", () => {
  it.each([
    ["2", 2_000],
    ["Sun, 29 Nov 2026 10:00:03 GMT", 3_000],
    ["Sun, 29 Nov 2026 09:00:00 GMT", 0],
    ["soon", 0],
  ])(
    "an answer that says when to come back in Retry-After: %s, is heard, and nobody comes sooner",
    async (retryAfter, atLeastMs) => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
      vi.spyOn(Math, "random").mockReturnValue(0.99);
      const headers = { "Retry-After": retryAfter, Date: "Sun, 29 Nov 2026 10:00:00 GMT" };
      const answers = [new Response("{}", { status: 503, headers }), Response.json(FINAL)];
      const asked: number[] = [];
      const begun = Date.now();
      const peach = createClient({
        url: "http://peach",
        token: "t",
        fetch: () => {
          asked.push(Date.now() - begun);
          return Promise.resolve(answers.shift() ?? Response.error());
        },
      });
      const answer = peach.runs.get("run_1");
      await vi.advanceTimersByTimeAsync(5_000);
      expect(await answer).toEqual(FINAL);
      expect(asked).toEqual([0, Math.max(atLeastMs, 80)]);
    },
  );
});

describe("calls that change something without a key", () => {
  it.each(["break", problem(503, "overloaded")] satisfies Answer[])(
    "calls that change something without a key are not sent again after %j",
    async (answer) => {
      const { peach, asked } = await peachWith(answer, { body: FINAL });
      await rejection(peach.runs.cancel("run_1"));
      expect(asked).toHaveLength(1);
    },
  );

  it("calls that only read, or that change nothing by a dry run, are sent again without a key", async () => {
    const { peach, asked } = await peachWith("break", { body: FINAL }, "break", { body: NOTHING_FOUND });
    expect(await peach.runs.get("run_1")).toEqual(FINAL);
    await peach.runs.bulk("cancel", { task: "t" }, { dryRun: true });
    expect(asked.map(({ path }) => path)).toEqual([
      "/runs/run_1",
      "/runs/run_1",
      "/runs/cancel?task=t&dry_run=true",
      "/runs/cancel?task=t&dry_run=true",
    ]);
  });
});

describe("an aborted signal", () => {
  it("an aborted signal rejects with its reason, also between tries", async () => {
    const { peach } = await peachWith(problem(503, "overloaded"));
    const told = new AbortController();
    const asked = peach.runs.get("run_1", { signal: told.signal });
    told.abort(new Error("enough"));
    await expect(asked).rejects.toThrow("enough");
    await expect(peach.trigger("t", null, { signal: AbortSignal.abort(new Error("before")) })).rejects.toThrow(
      "before",
    );
  });
});

describe("every call", () => {
  it("every call asks what the API calls it", async () => {
    const { peach, asked } = await peachWith(anything);
    const filter = { task: "t", status: ["failed", "cancelled"], source: "lab" } as const;
    const createdAfter = new Date("2026-11-01T00:00:00Z");
    await peach.runs.list({ ...filter, createdAfter, createdBefore: "2026-12-01", limit: 5, cursor: "c&d" });
    await peach.runs.list({ task: "t", idempotencyKey: "k" });
    await peach.runs.count({ ...filter });
    await peach.runs.logs("r", "t", { attempt: 2, item: 3, limit: 4, cursor: "c" });
    await peach.runs.items("r", "t", { status: "failed" });
    await peach.runs.list({ tag: "news" });
    await peach.runs.count({ tag: ["news", "lang:de"] });
    await peach.runs.taskPayload("r", "t", { item: 3 });
    await peach.runs.cancel("r", { children: true });
    await peach.runs.retry("r");
    await peach.runs.replay("r", { from: "t", payload: "new", idempotencyKey: "k" });
    await peach.runs.bulk("retry", filter, { limit: 500, cursor: "c" });
    await peach.runs.complete("r", "t", { status: "failed", error: { message: "no" } });
    await peach.tasks.get("t");
    await peach.tasks.pause("t");
    await peach.schedules.resume("t");
    await peach.deadLetters.list({ limit: 1 });
    await peach.deadLetters.redrive("d");
    await peach.deadLetters.delete("d");
    await peach.audit({ who: "desk", what: "cancelRun", since: createdAfter, limit: 3, cursor: "7" });
    await peach.graph({ format: "dot" });
    await peach.emit("a.b", { x: 1 }, { idempotencyKey: "k" });
    await peach.reconcile("uploads", { prefix: "a/", since: "2h", dryRun: true });
    const filtered = "task=t&status=failed%2Ccancelled&source=lab";
    expect(asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `GET /runs?${filtered}&created_after=2026-11-01T00%3A00%3A00.000Z&created_before=2026-12-01&limit=5&cursor=c%26d`,
      "GET /runs?task=t&idempotency_key=k",
      `GET /runs/count?${filtered}`,
      "GET /runs/r/tasks/t/logs?attempt=2&item=3&limit=4&cursor=c",
      "GET /runs/r/tasks/t/items?status=failed",
      "GET /runs?tag=news",
      "GET /runs/count?tag=news&tag=lang%3Ade",
      "GET /runs/r/tasks/t/items/3/payload",
      "POST /runs/r/cancel?children=true",
      "POST /runs/r/retry",
      "POST /runs/r/replay?from=t",
      `POST /runs/retry?${filtered}&limit=500&cursor=c`,
      "POST /runs/r/tasks/t/complete",
      "GET /tasks/t",
      "POST /tasks/t/pause",
      "POST /schedules/t/resume",
      "GET /dead-letters?limit=1",
      "POST /dead-letters/d/redrive",
      "DELETE /dead-letters/d",
      "GET /audit?who=desk&what=cancelRun&since=2026-11-01T00%3A00%3A00.000Z&limit=3&cursor=7",
      "GET /graph?format=dot",
      "POST /events/a.b",
      "POST /r2/uploads/reconcile?prefix=a%2F&since=7200000ms&dry_run=true",
    ]);
    expect(asked.every(({ headers }) => headers.authorization === "Bearer secret")).toBe(true);
    expect(asked[10]).toMatchObject({
      headers: { "content-type": "text/plain; charset=utf-8", "idempotency-key": "k" },
    });
    expect(asked[12]?.body.toString()).toBe('{"status":"failed","error":{"message":"no"}}');
  });

  it("every call of a list is followed page by page", async () => {
    const page = (id: string, next: string | null): Answer => ({
      body: { runs: [summary({ run_id: `run_${id}` })], next_cursor: next },
    });
    const { peach, asked } = await peachWith(page("a", "1"), page("b", "2"), page("c", null));
    const seen: string[] = [];
    for await (const { run_id } of peach.runs.all({ task: "t" })) seen.push(run_id);
    expect(seen).toEqual(["run_a", "run_b", "run_c"]);
    expect(asked.map(({ path }) => path)).toEqual([
      "/runs?task=t&limit=200",
      "/runs?task=t&limit=200&cursor=1",
      "/runs?task=t&limit=200&cursor=2",
    ]);
  });

  it("every call of a payload gives it as the kind that it is", async () => {
    const bytes = new TextEncoder().encode('"ü"');
    const types = ["application/json", "text/plain; charset=utf-8", "text/csv", "text/plain; charset=latin-1"];
    const { peach } = await peachWith(...types.map((type) => ({ body: bytes, headers: { "Content-Type": type } })));
    expect(await (await peach.runs.payload("r")).value()).toBe("ü");
    expect(await (await peach.runs.payload("r")).value()).toBe('"ü"');
    expect(await (await peach.runs.payload("r")).value()).toEqual(bytes);
    expect(await (await peach.runs.payload("r")).value()).toEqual(bytes);
    const streamed = await peach.runs.payload("r");
    expect(await new Response(streamed.stream()).text()).toBe('"ü"');
  });
});
