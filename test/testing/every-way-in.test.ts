/** Each way in to a typed task, and each way out of one, with a value that its schema takes and one that it refuses. */
import { beforeAll, describe, expect, it, vi } from "vitest";
import { type TestPipeline, testPipeline, type TestRun } from "peach/testing";
import { emitEvent, objectEventsFrom, passToChildTask, task, triggerTaskWithEvent } from "peach/task-helpers";
import { z } from "zod";

const NOW = "2026-11-29T10:00:00Z";
/** The check of edges cannot tell about a refinement: what it refuses is refused at run time alone. */
const INPUT = z.object({ n: z.number().refine((n) => n > 0) });
const GOOD = { n: 1 };
const BAD = { n: 0 };

/** The code of a refusal; null without one. */
async function refusalOf(work: () => Promise<unknown>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    // A call in a task says it in words, the API and the kit by a code.
    return /does not fit the input/.test(String(error))
      ? "invalid_payload"
      : String(Reflect.get(Object(error), "code"));
  }
}

/** A function whose types do not tell what it returns. */
function untyped(run: (payload: unknown) => unknown) {
  return (payload: unknown) => JSON.parse(JSON.stringify(run(payload) ?? null));
}

const CONF = `
on_failure: told
tasks:
  told: {method: told}
  strict: {method: strict, on: {event: made}, downstream: after}
  after: {method: anything}
  other: {method: anything, on: {event: made}}
  late: {method: strict, debounce: {key: payload.n, delay: 10s}}
  items: {method: strict, each: true}
  uploaded: {method: uploaded, on: {r2: {bucket: uploads, prefix: in/}}}
  due_good: {method: strict, schedule: {cron: "0 11 * * *", payload: {n: 1}}}
  due_bad: {method: strict, schedule: {cron: "0 11 * * *", payload: {n: 0}}}
  caller: {method: caller}
  first: {method: anything, downstream: second}
  second: {method: strict, retries: 0}
  failing: {method: failing, retries: 0}
  returning: {method: returning, downstream: read}
  read: {method: anything}
  passing: {method: passing, downstream: read_passed}
  read_passed: {method: anything}
  passing_to: {method: passing_to, downstream: [read_to, read_other]}
  read_to: {method: anything}
  read_other: {method: anything}
  list: {method: anything, downstream: of_items}
  of_items: {method: returning, each: true, downstream: read_items}
  read_items: {method: anything}
  asked: {method: asked, external: true, downstream: read_asked}
  read_asked: {method: anything}
endpoints:
  call: {method: call, auth: none}
  objects: {method: objects, auth: none}
`;

const METHODS = {
  told: task({
    input: z.object({ failed_tasks: z.array(z.unknown()).refine((all) => all.length > 1) }),
    run: () => null,
  }),
  strict: task({ input: INPUT, run: (payload) => payload }),
  uploaded: task({ input: z.object({ key: z.string().refine((key) => !key.includes("bad")) }), run: ({ key }) => key }),
  anything: (payload: unknown) => payload,
  caller: async ({ by, payload }: { by: "trigger" | "event"; payload: unknown }) =>
    refusalOf(() => (by === "trigger" ? triggerTaskWithEvent("strict", payload) : emitEvent("made", payload))),
  call: async (request: Request) => ({
    code: await refusalOf(async () => triggerTaskWithEvent("strict", await request.json())),
  }),
  objects: async (request: Request) => {
    const [event] = await objectEventsFrom(request);
    return { code: await refusalOf(() => triggerTaskWithEvent("uploaded", event)) };
  },
  failing: () => {
    throw new Error("as it was told to");
  },
  returning: task({ output: INPUT, run: untyped((payload) => payload) }),
  passing: task({ output: INPUT, run: untyped((payload) => passToChildTask(payload)) }),
  passing_to: task({
    output: INPUT,
    run: (payload) => {
      passToChildTask(payload, { to: "read_to" });
      return GOOD;
    },
  }),
  asked: task({ output: INPUT, run: untyped(() => null) }),
};

let peach: TestPipeline;

beforeAll(async () => {
  peach = await testPipeline({ now: NOW, conf: CONF, pipelines: METHODS });
});

async function send(path: string, body: unknown, type = "application/json"): Promise<string | null> {
  const headers = { authorization: `Bearer ${peach.token}`, "content-type": type };
  const response = await peach.request(path, { method: "POST", headers, body: JSON.stringify(body) });
  const answer: unknown = await response.json();
  return response.ok ? null : String(Reflect.get(Object(answer), "code"));
}

/** Sends it and returns what stands at the path of the answer. */
async function answered(path: string, body: unknown, ...at: readonly (string | number)[]): Promise<unknown> {
  const headers = { authorization: `Bearer ${peach.token}`, "content-type": "application/json" };
  const response = await peach.request(path, { method: "POST", headers, body: JSON.stringify(body) });
  const found = at.reduce<unknown>((value, step) => Reflect.get(Object(value), step), await response.json());
  return found ?? null;
}

async function called(by: "trigger" | "event", payload: unknown): Promise<unknown> {
  return (await peach.trigger("caller", { by, payload })).task("caller").passed;
}

interface Way {
  /** The task whose runs, or whose new attempts, are counted. */
  readonly task: string;
  /** Sends the payload, and returns the code of the refusal, or null. */
  readonly send: (payload: { readonly n: number }) => Promise<unknown>;
}

const file = (payload: { readonly n: number }): string => (payload === GOOD ? "in/good.json" : "in/bad.json");

const WAYS: Readonly<Record<string, Way>> = {
  "a trigger of the API": { task: "strict", send: (payload) => send("/api/v1/tasks/strict/trigger", payload) },
  "a trigger with a delay": {
    task: "strict",
    send: (payload) => send("/api/v1/tasks/strict/trigger?delay=1s", payload),
  },
  "a debounced trigger": { task: "late", send: (payload) => send("/api/v1/tasks/late/trigger", payload) },
  "an array whose items are taken one by one": {
    task: "items",
    send: (payload) => send("/api/v1/tasks/items/trigger", [GOOD, payload]),
  },
  "an event of the API": { task: "strict", send: (payload) => send("/api/v1/events/made", payload) },
  "a trigger of an endpoint": { task: "strict", send: (payload) => answered("/call", payload, "code") },
  "an object event of an endpoint": {
    task: "uploaded",
    send: (payload) =>
      answered(
        "/objects",
        {
          account: "",
          action: "PutObject",
          bucket: "uploads",
          object: { key: file(payload), size: 1, eTag: "e" },
          eventTime: NOW,
        },
        "code",
      ),
  },
  "a trigger of a task": { task: "strict", send: (payload) => called("trigger", payload) },
  "an event of a task": { task: "strict", send: (payload) => called("event", payload) },
  "an upload": {
    task: "uploaded",
    send: async (payload) => {
      const runs = await peach.upload("uploads", file(payload), "x");
      return runs.length === 1 ? null : letterOf("uploaded");
    },
  },
  "a replay with a body": {
    task: "strict",
    send: async (payload) => {
      const run = await peach.trigger("strict", GOOD);
      const before = runsOf("strict").length;
      const code = await send(`/api/v1/runs/${run.id}/replay`, payload);
      return runsOf("strict").length > before ? code : (code ?? "no run");
    },
  },
  "a replay with a body, from a task on": {
    task: "second",
    send: async (payload) => {
      const run = await peach.trigger("first", GOOD);
      return send(`/api/v1/runs/${run.id}/replay?from=second`, payload);
    },
  },
  "a replay of what was recorded, from a task on": {
    task: "second",
    send: async (payload) => {
      const run = await peach.trigger("first", payload);
      return send(`/api/v1/runs/${run.id}/replay?from=second`, undefined);
    },
  },
};

function runsOf(name: string): readonly TestRun[] {
  return peach.runs.filter((run) => run.document.task === name);
}

/** The code in the dead letter of a task. */
async function letterOf(name: string): Promise<string | null> {
  const headers = { authorization: `Bearer ${peach.token}` };
  const letters = await (await peach.request("/api/v1/dead-letters", { headers })).text();
  return letters.includes(`\\"${name}\\"`) && letters.includes("invalid_payload") ? "invalid_payload" : null;
}

describe("the input of a typed task", () => {
  it.each(Object.entries(WAYS))("the input of a typed task is held against %s", async (_, way) => {
    expect(await way.send(GOOD)).toBe(null);
    const before = runsOf(way.task).length;
    expect(before).toBeGreaterThan(0);
    expect(await way.send(BAD)).toBe("invalid_payload");
    const own = way === WAYS["a replay with a body"] ? 1 : 0;
    expect(runsOf(way.task).length - before - own).toBe(0);
  });
});

/** Where a value leaves a task: the task that reads it, and how it is sent. */
const OUTPUTS: Readonly<
  Record<string, { readonly read: string; readonly send: (payload: unknown) => Promise<TestRun> }>
> = {
  "what it returns": { read: "read", send: (payload) => peach.trigger("returning", payload) },
  "what it passes": { read: "read_passed", send: (payload) => peach.trigger("passing", payload) },
  "what it passes to one task": { read: "read_to", send: (payload) => peach.trigger("passing_to", payload) },
  "what each item passes": { read: "read_items", send: (payload) => peach.trigger("list", [GOOD, payload]) },
};

describe("the output of a typed task", () => {
  it.each(Object.entries(OUTPUTS))(
    "the output of a typed task is held against %s",
    async (_, { read, send: start }) => {
      const good = await start(GOOD);
      expect(good.status).toBe("succeeded");
      expect(JSON.stringify(good.task(read).passed)).toContain(JSON.stringify(GOOD));
      const bad = await start(BAD);
      expect([bad.status, bad.task(read).status]).toEqual(["failed", "skipped"]);
      expect(bad.tasks.find(({ status }) => status === "failed")?.name).toMatch(
        /^(returning|passing|passing_to|of_items)$/,
      );
    },
  );

  it.each(["the API", "the URL of the attempt"] as const)(
    "the output of a typed task is held against what completes it by %s",
    async (by) => {
      const run = await peach.trigger("asked");
      const complete = async (payload: unknown): Promise<string | null> =>
        by === "the API"
          ? send(`/api/v1/runs/${run.id}/tasks/asked/complete`, { status: "succeeded", payload })
          : refusalOf(() => peach.complete(run, "asked", { status: "succeeded", payload }));
      expect(await complete(BAD)).toBe("invalid_payload");
      expect([run.task("asked").status, run.task("read_asked").status]).toEqual(["waiting", "pending"]);
      expect(await complete(GOOD)).toBe(null);
      expect([run.status, run.task("read_asked").passed]).toEqual(["succeeded", GOOD]);
    },
  );
});

describe("what nobody sends", () => {
  it("what an upstream task without types passes is held against the input of the task that reads it", async () => {
    expect((await peach.trigger("first", GOOD)).status).toBe("succeeded");
    const run = await peach.trigger("first", BAD);
    expect(run.task("second").status).toBe("failed");
    expect(run.task("second").error?.message).toContain('what the task "second" reads does not fit its schema: $.n');
  });

  it("what a failed run tells is held against the input of the task that is told", async () => {
    const run = await peach.trigger("failing");
    expect(run.status).toBe("failed");
    expect(runsOf("told")).toEqual([]);
  });

  it("what a schedule carries is held against the input of its task", async () => {
    await peach.advance("61m");
    expect([runsOf("due_good").length, runsOf("due_bad").length]).toEqual([1, 0]);
  });
});

it("a misfit that its trigger does not catch names its place to the author, and to no sender", async () => {
  const triggers = (): unknown => triggerTaskWithEvent("strict", { n: "secret" });
  const own = await testPipeline({
    conf: "tasks:\n  strict: {method: strict}\n  outer: {method: outer, retries: 0}\nendpoints:\n  hook: {method: hook, auth: none}\n",
    pipelines: { strict: task({ input: z.object({ n: z.number() }), run: () => {} }), outer: triggers, hook: triggers },
  });
  const run = await own.trigger("outer", 1);
  expect(run.task("outer").attempts.at(-1)?.error?.message).toContain('the input of task "strict": $.n: Invalid input');
  const spy = vi.spyOn(console, "error").mockImplementation(() => {});
  try {
    const answer = await own.request("/hook", { method: "POST" });
    const text = await answer.text();
    expect([answer.status, text]).toEqual([500, expect.stringContaining("endpoint_failed")]);
    expect(text).not.toMatch(/strict|\$\.n/);
  } finally {
    spy.mockRestore();
  }
});
