/** Tasks whose schemas another library has made. */
import { beforeAll, describe, expect, it } from "vitest";
import { runTask, type TestPipeline, testPipeline } from "peach/testing";
import { passToChildTask, type StandardSchema, task } from "peach/task-helpers";
import { lengths, positive } from "../support/standard-schemas.ts";

const CONF = `
tasks:
  taking: {method: taking, on: {event: made}}
  measuring: {method: measuring}
  items: {method: taking, each: true}
  passing: {method: passing, retries: 0, downstream: read}
  passing_to: {method: passing_to, retries: 0, downstream: read}
  read: {method: read}
  asked: {method: asked, external: true}
`;

const ONE = "tasks:\n  a: {method: a, retries: 0}\n";

/** A schema whose library answers anything at all. */
function answering(answer: unknown, made?: unknown): StandardSchema {
  const standard = { version: 1, vendor: "own", validate: () => ({ value: null }) } as const;
  const validate = async (): Promise<unknown> => answer;
  const jsonSchema = { input: () => made, output: () => made };
  const schema: StandardSchema = { "~standard": { ...standard } };
  Object.assign(schema["~standard"], { validate, jsonSchema });
  return schema;
}

const METHODS = {
  taking: task({ input: positive, run: ({ n }) => n + 1 }),
  measuring: task({ input: lengths, run: (length) => length }),
  passing: task({ output: lengths, run: (given: unknown) => String(given) }),
  passing_to: task({ output: positive, run: (n: unknown) => passToChildTask({ n }, { to: "read" }) }),
  read: (payload: unknown) => payload,
  asked: task({ output: positive, run: () => {} }),
};

let peach: TestPipeline;

beforeAll(async () => {
  peach = await testPipeline({ now: "2026-11-29T10:00:00Z", conf: CONF, pipelines: METHODS });
});

async function send(method: string, path: string, body?: unknown): Promise<unknown> {
  const headers = { authorization: `Bearer ${peach.token}`, "content-type": "application/json" };
  const init = body === undefined ? {} : { body: JSON.stringify(body) };
  return (await peach.request(path, { method, headers, ...init })).json();
}

const WRONG = { path: "$.n", message: "expected a number above 0" };

describe("a schema of another library", () => {
  it("a schema of another library checks what triggers its task, with the paths that are wrong", async () => {
    expect((await peach.trigger("taking", { n: 1, more: true })).task("taking").passed).toBe(2);
    const refusal = { code: "invalid_payload", errors: [WRONG] };
    expect(await send("POST", "/api/v1/tasks/taking/trigger", { n: 0 })).toMatchObject({ status: 400, ...refusal });
    await expect(peach.trigger("taking", { n: "1" })).rejects.toMatchObject(refusal);
    await expect(peach.emit("made", { n: 0 })).rejects.toMatchObject(refusal);
    await expect(peach.trigger("items", [{ n: 1 }, { n: 0 }])).rejects.toMatchObject({
      errors: [{ ...WRONG, path: "$[1].n" }],
    });
  });

  it("a schema of another library may be a function that answers later; the task reads what it returns", async () => {
    expect((await peach.trigger("measuring", "four")).task("measuring").passed).toBe(4);
    const refused = await send("POST", "/api/v1/tasks/measuring/trigger", 4);
    expect(refused).toMatchObject({ status: 400, errors: { length: 20 } });
    expect(refused).toMatchObject({ errors: { 0: { path: "$.list[0]", message: "expected a text" } } });
  });

  it("a schema of another library is not asked about a value that has too many parts, each of which could be wrong", async () => {
    const list = Array.from({ length: 30_000 }, () => "x");
    for (const payload of [list, { list }, list.map((one) => [one])]) {
      const issue = { path: "$", message: expect.stringContaining("more than 20000 values") };
      await expect(peach.trigger("measuring", payload)).rejects.toMatchObject({ errors: [issue] });
    }
    const few = Array.from({ length: 9_999 }, () => ["x"]);
    await expect(peach.trigger("measuring", few)).rejects.toMatchObject({ errors: { length: 20 } });
  });

  it("a schema of another library checks what its task passes, and what completes it", async () => {
    expect((await peach.trigger("passing", "four")).task("read").passed).toEqual({ passing: 4 });
    const run = await peach.trigger("passing_to", 0);
    expect(run.task("passing_to").attempts.at(-1)?.error?.message).toContain(`$.n: ${WRONG.message}`);
    const asked = await peach.trigger("asked", null);
    const complete = (n: number): Promise<void> =>
      peach.complete(asked, "asked", { status: "succeeded", payload: { n, more: true } });
    await expect(complete(0)).rejects.toMatchObject({ code: "invalid_payload", errors: [WRONG] });
    await complete(1);
    expect(asked.task("asked").passed).toEqual({ n: 1 });
    expect((await runTask(METHODS.passing, "four")).passed).toBe(4);
  });

  it("a schema of another library is shown by the API as JSON Schema, if the library makes one", async () => {
    const shown = { input_schema: { $schema: "draft-2020-12", type: "object" }, output_schema: null };
    expect(await send("GET", "/api/v1/tasks/taking")).toMatchObject(shown);
    expect(await send("GET", "/api/v1/tasks/asked")).toMatchObject({ input_schema: null, output_schema: null });
  });

  it.each([
    ["an empty list of issues", [], "$", "does not fit the schema"],
    ["an issue without path", [{ message: "wrong", path: null }], "$", "wrong"],
    ["an issue that says nothing", [null], "$", "does not fit the schema"],
    ["steps of any kind", [{ message: "wrong", path: [null, { key: 1 }, Symbol("s")] }], "$.null[1]", "wrong"],
  ])("a schema of another library refuses by %s", async (_, issues, path, message) => {
    const own = await testPipeline({
      conf: ONE,
      pipelines: { a: task({ input: answering({ issues }), run: () => {} }) },
    });
    await expect(own.trigger("a", 1)).rejects.toMatchObject({
      code: "invalid_payload",
      errors: [{ path: expect.stringContaining(path), message }],
    });
  });

  it("an answer with null for issues is a value", async () => {
    const input = answering({ value: 2, issues: null });
    const own = await testPipeline({ conf: ONE, pipelines: { a: task({ input, run: (n: unknown) => n }) } });
    expect((await own.trigger("a", 1)).task("a").passed).toBe(2);
  });

  it.each([[5], [null], [undefined], [{}], [{ issues: "wrong" }]])(
    "an answer of a library that is neither a value nor issues counts as no value: %j",
    async (answer) => {
      const pipelines = { a: task({ output: answering(answer), run: () => 1 }) };
      const run = await (await testPipeline({ conf: ONE, pipelines })).trigger("a", 1);
      expect(run.task("a").attempts.at(-1)?.error?.message).toContain("neither a value nor issues");
    },
  );

  it("a JSON Schema of another library that is no JSON is not shown", async () => {
    const pipelines = { a: task({ input: answering(5, { maximum: 1n }), output: answering(5, "text"), run: () => 1 }) };
    const own = await testPipeline({ conf: ONE, pipelines });
    const shown = await own.request("/api/v1/tasks/a", { headers: { authorization: `Bearer ${own.token}` } });
    expect(await shown.json()).toMatchObject({ input_schema: null, output_schema: null });
  });
});
