/** Payloads that are nested thousands of levels deep, at each way in: they are taken whole, or refused by a code. */
import { beforeAll, describe, expect, it } from "vitest";
import { type TestPipeline, testPipeline } from "peach/testing";
import { task, triggerTaskWithEvent } from "peach/task-helpers";
import { z } from "zod";

const CONF = `
tasks:
  plain: {method: plain}
  typed: {method: typed}
  limited: {method: plain, concurrency: {limit: 1, key: payload.kids}}
  debounced: {method: plain, debounce: {delay: 1s, key: payload.kids}}
  caller: {method: caller, retries: 0}
  passing: {method: passing, retries: 0, downstream: [of_plain, of_limited, of_typed]}
  of_plain: {method: plain}
  of_limited: {method: plain, concurrency: {limit: 1, key: payload.kids}}
  of_typed: {method: typed}
  passing_typed: {method: passing_typed, retries: 0}
  asked: {method: plain, external: true}
endpoints:
  call: {method: call, auth: none}
`;

const tree: z.ZodType = z.object({ kids: z.array(z.lazy(() => tree)) });

/** A tree of this many levels, of which each is two in JSON. */
function deep(levels: number): unknown {
  let value: unknown = { kids: [] };
  for (let level = 1; level < levels; level += 1) value = { kids: [value] };
  return value;
}

/** The levels of a tree. */
function levelsOf(value: unknown): number {
  let levels = 0;
  for (let one = value; one !== undefined; levels += 1) one = Reflect.get(Object(Reflect.get(Object(one), "kids")), 0);
  return levels;
}

function json(levels: number): string {
  return `${'{"kids":['.repeat(levels)}${"]}".repeat(levels)}`;
}

const METHODS = {
  plain: (payload: unknown): unknown => levelsOf(payload),
  typed: task({ input: tree, run: (payload) => levelsOf(payload) }),
  caller: async ({ to, levels }: { to: string; levels: number }): Promise<string> => {
    const { runId } = await triggerTaskWithEvent<string>(to, deep(levels));
    return runId;
  },
  passing: (levels: number): unknown => deep(levels),
  passing_typed: task({ output: tree, run: (levels: unknown) => deep(Number(levels)) }),
  call: async (request: Request): Promise<void> => {
    const payload: unknown = await request.json();
    await triggerTaskWithEvent<string>("plain", payload);
  },
};

let peach: TestPipeline;

beforeAll(async () => {
  peach = await testPipeline({ now: "2026-11-29T10:00:00Z", conf: CONF, pipelines: METHODS });
});

async function send(path: string, body: string): Promise<readonly [number, string | undefined]> {
  const headers = { authorization: `Bearer ${peach.token}`, "content-type": "application/json" };
  const response = await peach.request(path, { method: "POST", headers, body });
  const answer: unknown = await response.json();
  return [response.status, String(Reflect.get(Object(answer), "detail"))];
}

describe("a payload that is nested thousands of levels deep", () => {
  it.each(["/api/v1/tasks/plain/trigger", "/api/v1/tasks/typed/trigger", "/api/v1/tasks/limited/trigger", "/call"])(
    "a payload that is nested thousands of levels deep is refused where it comes by HTTP, and one of some hundred is taken: %s",
    async (path) => {
      expect(await send(path, json(200))).toEqual([202, "undefined"]);
      for (const levels of [501, 5_000, 500_000])
        expect(await send(path, json(levels))).toEqual([400, expect.stringContaining("1000 levels")]);
    },
  );

  it("a payload that is nested thousands of levels deep is taken from code, also where its limit is kept by it", async () => {
    for (const name of ["plain", "limited", "debounced"]) {
      const run = await peach.trigger(name, deep(20_000));
      await peach.advance("2s");
      expect(run.task(name).passed).toBe(20_000);
      const called = await peach.trigger("caller", { to: name, levels: 20_000 });
      expect(called.task("caller")).toMatchObject({ status: "succeeded" });
    }
    const run = await peach.trigger("passing", 20_000);
    expect(run.task("of_plain").passed).toBe(20_000);
    expect(run.task("of_limited").passed).toBe(20_000);
  });

  it("a payload that is nested thousands of levels deep is refused by a schema that refers to itself, with the reason", async () => {
    const reason = expect.stringContaining("nested too deep to be held against the schema");
    await expect(peach.trigger("typed", deep(20_000))).rejects.toMatchObject({
      code: "invalid_payload",
      errors: [{ path: "$", message: reason }],
    });
    for (const [name, levels] of [
      ["passing", "of_typed"],
      ["passing_typed", "passing_typed"],
    ] as const) {
      const run = await peach.trigger(name, 20_000);
      expect(run.task(levels).attempts.at(-1)?.error?.message).toEqual(reason);
    }
  });

  it("a payload that is nested thousands of levels deep completes no task, with the reason", async () => {
    const run = await peach.trigger("asked", null);
    await expect(peach.complete(run, "asked", { status: "succeeded", payload: deep(20_000) })).rejects.toMatchObject({
      code: "invalid_payload",
      message: expect.stringContaining("1000 levels"),
    });
  });
});
