import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import type { Attempt, TaskOfRun } from "../../src/client/client.ts";
import { renderRecommendations } from "../../src/local/recommendation-table.ts";
import { failureOf, formatMs, isFinalStatus, taskLine } from "../../src/local/run-lines.ts";

const AT = "2026-11-22T18:00:00.000Z";
const now = Date.parse(AT);

function attempt(status: Attempt["status"], ms: number | null, message?: string): Attempt {
  return {
    attempt: 1,
    status,
    started_at: AT,
    finished_at: ms === null ? null : new Date(now + ms).toISOString(),
    error: message === undefined ? null : { name: "Error", message, stack: null },
  };
}

function task(name: string, status: TaskOfRun["status"], more: Partial<TaskOfRun> = {}): TaskOfRun {
  const rest = { upstream: [], downstream: [], attempts: [], output: null, waiting_for: null };
  return { task: name, status, reason: null, progress: null, ...rest, ...more };
}

describe("a task in a line", () => {
  it.each([
    [task("a", "pending"), "a: pending"],
    [task("a", "running", { attempts: [attempt("running", null)] }), "a: running, 1 attempt, 1.5 s"],
    [
      task("a", "retrying", { attempts: [attempt("failed", 200, "no"), attempt("failed", 300, "no")] }),
      "a: retrying, 2 attempts, 500 ms",
    ],
    [task("a", "skipped", { reason: "upstream_failed" }), "a: skipped (upstream_failed)"],
    [
      task("a", "running", {
        attempts: [attempt("running", null)],
        progress: { fraction: 0.255, message: "decoding", at: new Date(now).toISOString() },
      }),
      "a: running, 1 attempt, 1.5 s, 26 % decoding",
    ],
    [
      task("a", "succeeded", { progress: { fraction: 1, message: null, at: new Date(now).toISOString() } }),
      "a: succeeded",
    ],
  ])("%j", (view, line) => {
    expect(taskLine(view, now + 1_500)).toBe(line);
  });

  it("the statuses that never change are known", () => {
    const statuses = [
      "pending",
      "queued",
      "running",
      "retrying",
      "waiting",
      "succeeded",
      "failed",
      "skipped",
      "cancelled",
    ];
    expect(statuses.filter(isFinalStatus)).toEqual(["succeeded", "failed", "skipped", "cancelled"]);
  });

  it("a duration is given in milliseconds and seconds", () => {
    expect([0, 999.4, 1_000, 61_234].map(formatMs)).toEqual(["0 ms", "999 ms", "1.0 s", "61.2 s"]);
  });
});

describe("a failed run in words", () => {
  it("a failed run in words names each failed task with its last error", () => {
    const tasks = [
      task("a", "succeeded"),
      task("b", "failed", {
        reason: "error",
        attempts: [attempt("failed", 1, "first"), attempt("failed", 1, "last")],
      }),
      task("c", "failed", { reason: "method_missing" }),
    ];
    expect(failureOf({ run_id: "run_1", status: "failed", tasks })).toBe(
      ["The run run_1 failed.", "  b (error): Error: last", "  c (method_missing): no error was recorded"].join("\n"),
    );
  });
});

describe("the table of recommendations", () => {
  it("the table of recommendations has a line for each, as long as its score, below what was said", () => {
    const text = renderRecommendations({
      transcript_excerpt: "One drop of water. ".repeat(8).trim(),
      recommendations: [
        { id: "a", title: "Melting Point", score: 200 },
        { id: "b", title: "Tide", score: 50.04 },
        { id: "c", title: "Dust", score: 0.1 },
      ],
    });
    expect(stripVTControlCharacters(text).split("\n")).toEqual([
      "What was said",
      "  One drop of water. One drop of water. One drop of water. One drop of water. One drop of",
      "  water. One drop of water. One drop of water. One drop of water.",
      "",
      "Recommended",
      "  1  Melting Point  ████████████████████   200.0",
      "  2  Tide           █████                   50.0",
      "  3  Dust           █                        0.1",
    ]);
  });

  it("the table of recommendations says so if nothing fits", () => {
    const text = renderRecommendations({ transcript_excerpt: "Hm.", recommendations: [] });
    expect(stripVTControlCharacters(text)).toMatch(/Nothing in the catalogue fits\.$/);
  });
});
