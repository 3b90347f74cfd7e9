import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { taskOf } from "./peach.ts";
import { Stage } from "./stage.ts";

const problem = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  code: z.string(),
  detail: z.string(),
  hint: z.string(),
  request_id: z.string(),
  errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
});
type Problem = z.infer<typeof problem>;

/** How a stack, or a place in the code, looks. */
const STACK = /\n\s+at |\.[jt]s:\d+/;
const LONG_NAME = "x".repeat(2_000);
const MEBIBYTE = 1024 * 1024;

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open("refusals");
  return () => stage.close();
});

/** The problem document that this call is answered with; every one is held against its form. */
async function refused(path: string, init: RequestInit = {}): Promise<Problem> {
  const answer = await stage.peach.call(path, init);
  const text = await answer.text();
  expect(text).not.toMatch(STACK);
  expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
  const document = problem.parse(JSON.parse(text));
  expect(document.status).toBe(answer.status);
  expect(document.type).toBe(`urn:peach:problem:${document.code}`);
  expect(document.request_id).toBe(answer.headers.get("X-Request-Id"));
  return document;
}

function trigger(
  task: string,
  body: NonNullable<RequestInit["body"]>,
  headers: Record<string, string>,
): Promise<Problem> {
  const streamed = body instanceof ReadableStream ? { duplex: "half" as const } : {};
  return refused(`/api/v1/tasks/${task}/trigger`, { method: "POST", body, headers, ...streamed });
}

const JSON_BODY = { "Content-Type": "application/json" };

/** A body without a declared length. */
function chunked(bytes: number): ReadableStream<Uint8Array> {
  return new Blob([new Uint8Array(bytes).fill(0x31)]).stream();
}

describe("a trigger is refused, and starts nothing", () => {
  it("a trigger of a task that does not exist is refused with the name that is nearest", async () => {
    expect(await trigger("plian", "1", JSON_BODY)).toMatchObject({
      status: 404,
      code: "unknown_task",
      detail: 'There is no task "plian".',
      hint: 'Did you mean "plain"?',
    });
  });

  it("a trigger of a task that nobody would call so is refused", async () => {
    const odd = [
      "__proto__",
      "constructor",
      "toString",
      LONG_NAME,
      "%F0%9F%8D%91",
      "plain%00",
      "%2e%2e%2fplain",
      "%E0%A4%A",
    ];
    for (const name of odd) {
      expect(await trigger(name, "1", JSON_BODY)).toMatchObject({ status: 404, code: "unknown_task" });
    }
  });

  it.for([
    { body: '{"a": [1, 2,]}', path: "$.a[2]", message: /line 1, column 13/ },
    { body: '{"a": 1,\n "b": tru}', path: "$.b", message: /line 2, column 7/ },
    { body: "{'a': 1}", path: "$", message: /line 1, column 2/ },
    { body: "", path: "$", message: /empty/ },
    { body: new Uint8Array([0x22, 0xff, 0x22]), path: "$", message: /UTF-8/ },
  ])("a trigger with a body that is not JSON is refused: $body", async ({ body, path, message }) => {
    const document = await trigger("plain", body, JSON_BODY);
    expect(document).toMatchObject({ status: 400, code: "invalid_json", errors: [{ path }] });
    expect(document.errors?.[0]?.message).toMatch(message);
    expect(document.detail).toMatch(message);
  });

  it("a trigger with JSON of more than 10 MiB is refused, its length declared or not", async () => {
    const declared = await trigger("plain", new Uint8Array(10 * MEBIBYTE + 1).fill(0x31), JSON_BODY);
    expect(declared).toMatchObject({
      status: 413,
      code: "payload_too_large",
      detail: expect.stringContaining("10485760"),
    });
    expect(await trigger("plain", chunked(10 * MEBIBYTE + 1), JSON_BODY)).toMatchObject({ status: 413 });
  });

  it("a trigger with a text that is not UTF-8 is refused, found at once or while it is stored", async () => {
    const headers = { "Content-Type": "text/plain" };
    const small = new Uint8Array([0x50, 0xc3, 0x28]);
    expect(await trigger("plain", small, headers)).toMatchObject({ status: 400, code: "invalid_payload" });
    const large = new Uint8Array(MEBIBYTE).fill(0x50);
    large[MEBIBYTE - 1] = 0xc3;
    expect(await trigger("plain", large, headers)).toMatchObject({ status: 400, code: "invalid_payload" });
  });

  it("a trigger with a payload that does not fit the task's input is refused, every wrong path named", async () => {
    const document = await trigger(
      "typed",
      JSON.stringify({ title: 1, length: { minutes: -1 }, tags: ["a", 2] }),
      JSON_BODY,
    );
    expect(document).toMatchObject({ status: 400, code: "invalid_payload" });
    expect(document.errors?.map(({ path }) => path)).toEqual(["$.title", "$.length.minutes", "$.tags[1]"]);
    expect(await trigger("typed", "a text", { "Content-Type": "text/plain" })).toMatchObject({
      status: 400,
      code: "invalid_payload",
      errors: [{ path: "$" }],
    });
  });

  it("a trigger with an idempotency key that is none is refused", async () => {
    for (const key of ["", " ", "x".repeat(256), "pfirsich-ü", "tab\tin"]) {
      const document = await trigger("plain", "1", { ...JSON_BODY, "Idempotency-Key": key });
      expect(document).toMatchObject({ status: 400, code: "invalid_request", hint: expect.stringContaining("255") });
    }
  });

  it("a trigger with a query that means nothing is refused", async () => {
    for (const query of ["wait=soon", "wait=6m", "wait="]) {
      const document = await refused(`/api/v1/tasks/plain/trigger?${query}`, { method: "POST" });
      expect(document).toMatchObject({ status: 400, code: "invalid_request" });
    }
  });

  it("a trigger without the right token is refused", async () => {
    for (const authorization of [
      undefined,
      "Bearer wrong",
      "Bearer ",
      "Basic ZTJlOmUyZQ==",
      "token-of-the-end-to-end-tests",
    ]) {
      const answer = await fetch(`${stage.peach.url}/api/v1/tasks/plain/trigger`, {
        method: "POST",
        headers: authorization === undefined ? {} : { Authorization: authorization },
      });
      expect([authorization, answer.status]).toEqual([authorization, 401]);
      expect(answer.headers.get("WWW-Authenticate")).toMatch(/^Bearer/);
      expect(problem.parse(await answer.json()).code).toBe("unauthorized");
    }
  });

  it("a trigger by another method than POST, and at a path that is misspelt, is refused", async () => {
    expect(await refused("/api/v1/tasks/plain/trigger")).toMatchObject({ status: 405, code: "method_not_allowed" });
    expect(await refused("/api/v1/task/plain/trigger", { method: "POST" })).toMatchObject({
      status: 404,
      code: "not_found",
      hint: "Did you mean POST /api/v1/tasks/{task}/trigger?",
    });
  });

  it("a trigger that was refused has started nothing, all in all", async () => {
    const { run_id } = await stage.peach.trigger("plain");
    await stage.peach.finished(run_id);
    expect(stage.recorder.reports("start").map(({ run }) => run)).toEqual([run_id]);
  });
});

describe("a run is not shown", () => {
  it("a run is not shown where there is none", async () => {
    for (const id of ["run_00000000000000000000000000", "run_", "nonsense", "__proto__", "run_%00", LONG_NAME]) {
      for (const path of ["", "/payload", "/tasks/plain/payload", "/tasks/plain/logs"]) {
        expect(await refused(`/api/v1/runs/${id}${path}`)).toMatchObject({ status: 404, code: "unknown_run" });
      }
      expect(await refused(`/api/v1/runs/${id}/cancel`, { method: "POST" })).toMatchObject({ code: "unknown_run" });
    }
  });

  it("a run is not shown by a task that it does not have", async () => {
    const { run_id } = await stage.peach.trigger("plain");
    const document = await refused(`/api/v1/runs/${run_id}/tasks/plan/payload`);
    expect(document).toMatchObject({ status: 404, code: "unknown_task", hint: 'Did you mean "plain"?' });
  });
});

describe("an endpoint", () => {
  it("an endpoint takes bodies up to its max_body, their length declared or not", async () => {
    const post = (body: NonNullable<RequestInit["body"]>): RequestInit => ({ method: "POST", body });
    const whole = await stage.peach.call("/measured", post(new Uint8Array(1_024)));
    expect(await whole.json()).toEqual({ bytes: 1_024 });
    expect(await refused("/measured", post(new Uint8Array(1_025)))).toMatchObject({ status: 413 });
    const long = { ...post(chunked(200_000)), duplex: "half" as const };
    expect(await refused("/measured", long)).toMatchObject({
      status: 413,
      code: "payload_too_large",
      detail: expect.stringContaining("1024"),
    });
    expect(await refused("/measured")).toMatchObject({ status: 405 });
  });

  it("an endpoint that fails, or answers with what is no JSON, tells nothing of the reason", async () => {
    for (const path of ["/broken", "/unanswerable"]) {
      const document = await refused(path);
      expect(document).toMatchObject({ status: 500, code: "endpoint_failed" });
      expect(JSON.stringify(document)).not.toMatch(/password|BigInt/);
    }
  });
});

describe("helpers called where they do not belong say so", () => {
  it("helpers called where they do not belong say so outside of everything", async () => {
    const answer = await stage.peach.call("/outside");
    expect(await answer.json()).toEqual({
      atLoad: expect.stringMatching(/^OutsideTaskError: log\.info was called outside a task/),
    });
  });

  it("helpers called where they do not belong say so in an endpoint", async () => {
    const answer = await stage.peach.call("/misused");
    expect(await answer.json()).toEqual({
      passToChildTask: expect.stringContaining('passToChildTask was called in the endpoint "misused"'),
      currentTask: expect.stringContaining('currentTask was called in the endpoint "misused"'),
      readFromParentTask: expect.stringContaining('readFromParentTask was called in the endpoint "misused"'),
      triggerTaskWithEvent: expect.stringContaining('There is no task "plian". Did you mean "plain"?'),
    });
  });
});

describe("a task fails at once, with the reason, and is not tried again", () => {
  it.for([
    ["circle", "$.items[0].circle is a circular reference"],
    ["date", "$.published.at is a Date (use toISOString())"],
    ["function", "$.a[1] is a function"],
    ["bigint", "$.count is a BigInt"],
    ["not a number", "$[1] is NaN"],
    ["map", "$ is a Map"],
    ["bytes inside", "$.audio is bytes inside JSON"],
    ["response", "$ is a Request or Response"],
  ] as const)(
    "a task that passes what cannot be stored fails at once, with the reason, and is not tried again: %s",
    async ([specimen, message]) => {
      await failsAtOnce("passes", specimen, message);
    },
  );

  it.for([
    ["passes_to", "plain_chld", 'Did you mean "plain_child"?'],
    ["reads", "stranger", '"stranger" is no upstream task of "reads"'],
    ["triggers", { task: "plian", payload: null }, 'There is no task "plian". Did you mean "plain"?'],
    ["triggers", { task: "typed", payload: { title: 1 } }, 'does not fit the input of task "typed"'],
    ["typed_output", 1.5, 'what the task "typed_output" passes does not fit its schema: $.words'],
  ] as const)(
    "a task that asks for what there is not, or passes what does not fit, fails at once, with the reason, and is not tried again: %s",
    async ([task, payload, message]) => {
      await failsAtOnce(task, payload, message);
    },
  );

  it("a task fails at once, with the reason, and is not tried again, whatever it throws", async () => {
    for (const thrown of ["a text", null, { code: 7 }]) {
      await failsAtOnce("blames", thrown, typeof thrown === "string" ? thrown : "the task threw");
    }
  });

  it("a task that fails at once shows the stack with the attempt, where its author looks for it", async () => {
    const { run_id } = await stage.peach.trigger("reads", "stranger");
    const run = await stage.peach.finished(run_id);
    expect(taskOf(run, "reads").attempts[0]?.error?.stack).toMatch(/\n\s+at .*reads/);
  });

  async function failsAtOnce(task: string, payload: unknown, message: string): Promise<void> {
    const { run_id } = await stage.peach.trigger(task, payload);
    const run = await stage.peach.finished(run_id);
    const [root, ...others] = run.tasks;
    expect(root).toMatchObject({
      status: "failed",
      reason: "error",
      attempts: [{ attempt: 1, status: "failed", error: { message: expect.stringContaining(message) } }],
    });
    expect(root?.attempts).toHaveLength(1);
    expect(others.map(({ status }) => status)).toEqual(others.map(() => "skipped"));
  }
});
