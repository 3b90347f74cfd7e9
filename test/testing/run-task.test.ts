import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runTask } from "peach/testing";
import {
  emitEvent,
  log,
  passToChildTask,
  progress,
  readFromParentTask,
  RetryAfterError,
  NonRetryableError,
  runOnlyChildTasks,
  step,
  task,
  triggerTaskWithEvent,
} from "peach/task-helpers";
import { z } from "zod";
import { FakeHttp } from "../support/fake-http.ts";

describe("runTask", () => {
  it("runTask tells what a function passes, triggers, emits, logs and chooses", async () => {
    const result = await runTask(async (n: number) => {
      log.warn("beginning", { n });
      progress(0.5, "half");
      await triggerTaskWithEvent("other", { n }, { delay: "2s" });
      await emitEvent("thing.happened", [n]);
      passToChildTask("for all");
      passToChildTask("for one", { to: "one" });
      runOnlyChildTasks("one");
    }, 7);
    expect(result).toMatchObject({
      passed: "for all",
      to: { one: "for one" },
      chosen: ["one"],
      triggered: [{ task: "other", payload: { n: 7 }, delayMs: 2_000 }],
      emitted: [{ name: "thing.happened", payload: [7] }],
      logs: [{ level: "warn", message: "beginning", fields: { n: 7 } }],
      progress: { fraction: 0.5, message: "half" },
      error: null,
      retry: null,
    });
  });

  it("runTask lets a function ask a real server, whose time is real", async () => {
    const server = await FakeHttp.open();
    server.answer = () => ({ body: "answered" });
    const { passed, error } = await runTask(async () => (await fetch(server.url)).text());
    server.close();
    expect([passed, error]).toEqual(["answered", null]);
  });

  it("runTask gives a function its parents, its attempt, its env and the steps of earlier attempts", async () => {
    const result = await runTask(
      async (payload: unknown, { attempt, env }: { readonly attempt: number; readonly env: object }) => ({
        payload,
        left: await readFromParentTask("left"),
        attempt,
        env: Object.entries(env),
        kept: await step("kept", () => "anew"),
        made: await step("made", () => "anew"),
      }),
      undefined,
      { parents: { left: 1, right: "2" }, attempt: 3, env: { NAME: "value" }, steps: { kept: "before" } },
    );
    expect(result.passed).toEqual({
      payload: { left: 1, right: "2" },
      left: 1,
      attempt: 3,
      env: [["NAME", "value"]],
      kept: "before",
      made: "anew",
    });
    expect(result.steps).toEqual({ made: "anew" });
  });

  it.each([
    ["any error", () => Promise.reject(new TypeError("no")), { name: "TypeError", message: "no" }, { afterMs: null }],
    [
      "a RetryAfterError",
      () => Promise.reject(new RetryAfterError("5s")),
      { name: "RetryAfterError" },
      { afterMs: 5_000 },
    ],
    ["a NonRetryableError", () => Promise.reject(new NonRetryableError("bad")), { name: "NonRetryableError" }, null],
  ])("runTask tells how it ends with %s, and when another attempt is made", async (_, fn, error, retry) => {
    expect(await runTask(fn)).toMatchObject({ passed: undefined, error, retry });
  });

  it("runTask checks what a typed task reads and passes", async () => {
    const double = task({ input: z.number(), output: z.number().max(10), run: (n) => 2 * n });
    expect((await runTask(double, 4)).passed).toBe(8);
    expect((await runTask(double, 6)).error?.message).toMatch(/what the task "task" passes/);
    expect((await runTask(double, "6")).error?.message).toMatch(/what the task "task" reads/);
  });

  it("runTask checks alike what one typed task reads and passes, however often it is tried", async () => {
    const same = task({
      input: z.object({ list: z.array(z.string()) }),
      output: z.object({ list: z.array(z.string()) }),
      run: ({ list }) => ({ list }),
    });
    for (const list of [["a"], ["b"], ["c"]])
      expect(await runTask(same, { list })).toMatchObject({ error: null, passed: { list } });
  });

  it("runTask lets the time of an attempt pass by itself, and ends the attempt after its timeout", async () => {
    // oxlint-disable-next-line no-restricted-globals
    const sleeping = (ms: number) => new Promise((resolve) => void setTimeout(() => resolve(Date.now()), ms));
    const now = "2026-01-01T00:00:00Z";
    expect((await runTask(sleeping, 20_000, { now })).passed).toBe(Date.parse(now) + 20_000);
    expect(await runTask(sleeping, 30_000)).toMatchObject({
      error: { name: "TimeoutError" },
      retry: { afterMs: null },
    });
  });
});

describe("the test runner of Node", () => {
  it("the test runner of Node runs tests of pipelines in TypeScript, without vitest", { timeout: 60_000 }, () => {
    const folder = mkdtempSync(join(import.meta.dirname, "node-runner-"));
    try {
      const file = join(folder, "greet.test.ts");
      writeFileSync(
        file,
        `import assert from "node:assert/strict";
import { test } from "node:test";
import { testPipeline } from "peach/testing";
import { readFromParentTask } from "peach/task-helpers";
test("greets", async () => {
  const pipelines = { greet: async () => "Hello " + (await readFromParentTask()) };
  const peach = await testPipeline({ conf: "tasks:\\n  greet: {method: greet}\\n", pipelines });
  const run = await peach.trigger("greet", "Ada");
  assert.equal(run.task("greet").passed, "Hello Ada");
});
`,
      );
      const args = ["--conditions=peach-source", "--no-warnings", "--test", file];
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", env: withoutVitest() });
      expect(status, stdout + stderr).toBe(0);
      expect(stdout).toMatch(/pass 1\b/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** The variables of this process without those by which its test runner is known to others. */
function withoutVitest(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_TEST|TEST$)/.test(name)));
}
