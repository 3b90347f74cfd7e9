import { expect, it } from "vitest";
import { compareRuns, type RepeatedTask } from "../../src/testing/compare-runs.ts";
import type { RecordedPayload, RecordedRun, RecordedTask } from "../../src/testing/recorded-run.ts";

type Changes = Partial<Pick<RecordedTask, "status" | "attempts" | "to">>;

function recorded(passed: RecordedPayload | null, changes: Changes = {}): RecordedRun {
  const attempts: RecordedTask["attempts"] = [{ attempt: 1, status: "succeeded", error: null }];
  const task: RecordedTask = { task: "a", status: "succeeded", reason: null, upstream: [], attempts, passed, to: {} };
  return {
    run_id: "run_1",
    task: "a",
    status: "succeeded",
    created_at: "2026-11-30T10:00:00.000Z",
    conf_version: "abc",
    payload: null,
    tasks: [{ ...task, ...changes }],
  };
}

const now = (passed: unknown, changes: Partial<RepeatedTask> = {}): RepeatedTask[] => [
  { name: "a", status: "succeeded", passed, to: {}, error: null, ...changes },
];
const json = (value: unknown): RecordedPayload => ({ kind: "json", value });

it("what a task passes to a single child is compared too, also where only one of both runs passes it", () => {
  const run = recorded(json(1), { to: { left: json({ a: 1 }), right: json(2) } });
  expect(compareRuns(run, now(1, { to: { left: { a: 1 }, right: 2 } }))).toEqual([]);
  expect(compareRuns(run, now(1, { to: { left: { a: 3 }, other: "x" } }))).toEqual([
    { task: "a", path: "to left $.a", recorded: "1", now: "3" },
    { task: "a", path: "to right $", recorded: "2", now: "nothing" },
    { task: "a", path: "to other $", recorded: "nothing", now: '"x"' },
  ]);
});

it("a run that passes the same again has no difference, whatever the order of properties", () => {
  expect(compareRuns(recorded(json({ a: 1, b: [null, "x"] })), now({ b: [null, "x"], a: 1 }))).toEqual([]);
  expect(compareRuns(recorded(null), now(undefined))).toEqual([]);
  const bytes = new Uint8Array([1, 2]);
  expect(
    compareRuns(recorded({ kind: "bytes", value: bytes, contentType: "x/y" }), now(new Uint8Array([1, 2]))),
  ).toEqual([]);
});

it("a difference has the path in the value, what was recorded and what is there now", () => {
  const before = json({ list: [1, { "a b": 2 }], gone: 1, same: true });
  expect(compareRuns(recorded(before), now({ list: [1, { "a b": 3 }, 4], same: true, made: null }))).toEqual([
    { task: "a", path: '$.list[1]["a b"]', recorded: "2", now: "3" },
    { task: "a", path: "$.list[2]", recorded: "nothing", now: "4" },
    { task: "a", path: "$.gone", recorded: "1", now: "nothing" },
    { task: "a", path: "$.made", recorded: "nothing", now: "null" },
  ]);
  expect(compareRuns(recorded({ kind: "text", value: "one two" }), now("one too"))).toEqual([
    { task: "a", path: "character 5", recorded: '"one two"', now: '"one too"' },
  ]);
  const bytes = { kind: "bytes", value: new Uint8Array([1, 2, 3]), contentType: "x/y" } as const;
  expect(compareRuns(recorded(bytes), now(new Uint8Array([1, 2])))).toEqual([
    { task: "a", path: "byte 2", recorded: "3 bytes", now: "2 bytes" },
  ]);
  expect(compareRuns(recorded(json(1)), now(new Uint8Array([1, 2])))).toEqual([
    { task: "a", path: "$", recorded: "1", now: "2 bytes" },
  ]);
});

it("another outcome is the only difference of a task, and other tasks are left out if one is named", () => {
  const error = { name: "RangeError", message: "no" };
  const failed = recorded(null, { status: "failed", attempts: [{ attempt: 1, status: "failed", error }] });
  expect(compareRuns(failed, now(1))).toEqual([
    { task: "a", path: "", recorded: "failed, RangeError: no", now: "succeeded" },
  ]);
  expect(compareRuns(failed, now(undefined, { status: "failed", error }))).toEqual([]);
  expect(compareRuns(failed, now(1), "b")).toEqual([]);
  expect(compareRuns(failed, [])).toEqual([
    { task: "a", path: "", recorded: "failed", now: "is no task of peach.conf any more" },
  ]);
});

it("at most twenty differences of a task are listed", () => {
  const many = Array.from({ length: 1_000 }, (_, index) => index);
  expect(compareRuns(recorded(json(many)), now(many.map((one) => one + 1)))).toHaveLength(20);
});
