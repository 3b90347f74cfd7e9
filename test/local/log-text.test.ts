import { expect, it } from "vitest";
import { renderLog } from "../../src/local/log-text.ts";

const shown = (line: unknown, prefix = ""): string | null =>
  renderLog(prefix + (typeof line === "string" ? line : JSON.stringify(line)), false);

it("a failed attempt is a line with task, time, error and place, and with the command that tells more", () => {
  const failed = {
    message: "attempt failed",
    run_id: "run_1",
    task: "encode[3]",
    attempt: 2,
    duration_ms: 948,
    error: "RangeError: no space\nleft on device",
    stack:
      "RangeError: no space\nleft on device\n    at write (src/pipelines/disk.ts:12:9)\n    at src/pipelines/a.ts:3:1",
  };
  expect(shown(failed)).toMatch(
    /^\d\d:\d\d:\d\d ✗ encode\[3\] failed after 948 ms \(attempt 2\): RangeError: no space {2}src\/pipelines\/disk\.ts:12:9\n +npm run peach -- show run_1$/,
  );
  expect(shown({ ...failed, stack: null })).toMatch(/RangeError: no space\n/);
  expect(shown({ ...failed, stack: "Error\n    at inner (worker.js:1:2)" })).not.toContain("worker.js");
});

it("a log line of a task is text with its fields and its run", () => {
  const at = new Date(2026, 10, 30, 7, 5, 9).getTime();
  const line = { message: "greeting", run_id: "run_1", task: "greet", attempt: 1, at, level: "warn", fields: { a: 1 } };
  expect(shown(line)).toBe('07:05:09 greet warn  greeting {"a":1} run_1');
  expect(shown({ ...line, level: "info", fields: null })).toBe("07:05:09 greet info  greeting run_1");
});

it("an error of the worker shows its stack in lines of its own", () => {
  const error = "RangeError: no\n    at hello (src/pipelines/a.ts:1:2)";
  const line = {
    message: 'endpoint "hello" failed',
    request_id: "r",
    client_request_id: null,
    method: "GET",
    path: "/hello",
    error,
  };
  expect(shown(line, "\u001B[31m✘ [ERROR]\u001B[0m ")).toMatch(
    /^\S+ error endpoint "hello" failed \{"method":"GET","path":"\/hello"\}\n {9}RangeError: no\n {9}at hello \(src\/pipelines\/a\.ts:1:2\)$/,
  );
});

it("requests, audit entries and empty lines are left out, and any other output stays as it is", () => {
  expect(shown("[wrangler:info] GET /api/v1/runs 200 OK (4ms)")).toBeNull();
  expect(shown({ message: "audit", at: "2026-11-30T07:50:11.509Z", who: "api" })).toBeNull();
  expect(shown("  \u001B[0m ")).toBeNull();
  for (const line of ["what a task prints { a: 1 }", '{"a": 1}', "{broken", "[wrangler:warn] something"])
    expect(shown(line)).toBe(line);
});

it("what pipelines write neither steers the terminal nor passes for a line of its own", () => {
  const hostile = "\u001B[2Jclear\u0007\r\u009B31m\u202Eturned\n12:00:00 all is well";
  const texts = [
    { message: hostile, task: hostile, level: "info", fields: { a: "\u009Bc" }, run_id: "run_1" },
    { message: "attempt failed", task: "a", attempt: 1, duration_ms: 1, error: hostile, stack: null, run_id: hostile },
    { message: "endpoint failed", error: hostile },
  ].map((line) => shown(line) ?? "");
  // oxlint-disable-next-line no-control-regex -- These are the ones that steer.
  for (const text of texts) expect(text).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202E]|^12:00:00 all/m);
  expect(texts[0]).toContain("clear");
});

it("a long error of a failed attempt is cut, for the line is followed by the command that shows it whole", () => {
  const failed = { message: "attempt failed", run_id: "run_1", task: "a", attempt: 1, duration_ms: 1, stack: null };
  const line = shown({ ...failed, error: `Error: ${"x".repeat(5_000)}` }) ?? "";
  expect(line.length).toBeLessThan(500);
  expect(line).toMatch(/x…\n/);
});
