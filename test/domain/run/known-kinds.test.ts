import { describe, expect, it } from "vitest";
import { refuseUnknownFields, refuseUnknownKinds, refuseUnknownState } from "../../../src/domain/run/known-kinds.ts";
import type { RunChange } from "../../../src/domain/run/run-change.ts";
import { NewerFormatError } from "../../../src/domain/version.ts";
import { BOOM } from "../../support/run-play.ts";

const DISPATCHED = { status: "queued", dispatches: 1, redispatchAt: 1 };
const RECORD = { attempt: 1, startedAt: 1, finishedAt: 2, error: BOOM, logs: null };
const FAILED = { status: "failed", finishedAt: 2, reason: "error" };

/** A change of the task 0, as newer code may write one. */
function change(state: object, attempts: readonly object[] = [], others: object = {}): RunChange {
  return JSON.parse(JSON.stringify({ tasks: [{ ordinal: 0, state, attempts }], ...others }));
}

describe("an entry of the journal", () => {
  it.each<[string, RunChange]>([
    ["status of a task", change({ status: "dreaming" })],
    ["wait", change({ status: "waiting", for: "rain", attempt: 1, token: 1, expiresAt: 1 })],
    ["block", change({ ...DISPATCHED, blockedBy: { for: "rain", since: 1 } })],
    ["reason of a failure", change({ ...FAILED, reason: "rain" })],
    ["status of an attempt", change(FAILED, [{ ...RECORD, status: "drowned" }])],
    ["cause of a loss", change(FAILED, [{ ...RECORD, status: "lost", lostTo: "rain" }])],
    ["status of the run", change(FAILED, [], { run: { status: "drowned", startedAt: 1, finishedAt: 2 } })],
    ["message", change(FAILED, [], { enqueued: [{ id: 1, message: { type: "umbrella" }, attempts: 0, dueAt: 1 }] })],
  ])("an entry of the journal with a newer %s is refused as newer, and named by its place", (_, newer) => {
    expect(() => refuseUnknownKinds(newer, "entry 7")).toThrow(NewerFormatError);
    expect(() => refuseUnknownKinds(newer, "entry 7")).toThrow("entry 7");
  });

  it.each<[string, RunChange]>([
    ["a task that waits", change({ status: "waiting", for: "run", attempt: 1, token: 1, askAt: 1 })],
    ["a task that a limit blocks", change({ ...DISPATCHED, blockedBy: { for: "rate_limit", since: 1 } })],
    ["a task in the queue", change(DISPATCHED)],
    ["a lost attempt of a failed task", change(FAILED, [{ ...RECORD, status: "lost", lostTo: "surroundings" }])],
    [
      "the end of the run",
      change(FAILED, [{ ...RECORD, status: "failed" }], {
        run: { status: "failed", startedAt: 1, finishedAt: 2 },
        enqueued: [{ id: 1, message: { type: "alert" }, attempts: 0, dueAt: 1 }],
      }),
    ],
  ])("an entry of the journal with kinds of this code is taken: %s", (_, known) => {
    expect(() => {
      refuseUnknownKinds(known, "entry 7");
    }).not.toThrow();
  });

  it("an entry of the journal with a newer field is refused as newer", () => {
    const packed = JSON.parse('{ "tasks": [], "weather": "rain" }');
    expect(() => refuseUnknownFields(packed, "entry 7")).toThrow(NewerFormatError);
  });
});

describe("the record of a run", () => {
  const none = { tasks: { kinds: [] }, items: { kinds: [] }, outbox: [] };
  const newer = { state: { status: "dreaming" }, attempts: [] };
  const state = (given: object): Parameters<typeof refuseUnknownState>[0] =>
    JSON.parse(JSON.stringify({ ...none, ...given }));

  it.each<[string, object]>([
    ["field", { weather: "rain" }],
    ["status of a task", { tasks: { kinds: [newer] } }],
    ["status of an item", { items: { kinds: [newer] } }],
    ["message", { outbox: [{ id: 1, message: { type: "umbrella" } }] }],
  ])("the record of a run with a newer %s is refused as newer", (_, given) => {
    expect(() => {
      refuseUnknownState(state(given), "record");
    }).toThrow(NewerFormatError);
  });

  it("the record of a run with what this code knows is taken", () => {
    expect(() => {
      refuseUnknownState(
        state({ status: "running", tasks: { kinds: [{ state: DISPATCHED, attempts: [] }] } }),
        "record",
      );
    }).not.toThrow();
  });
});
