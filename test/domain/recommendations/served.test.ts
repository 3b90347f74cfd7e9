import { describe, expect, it } from "vitest";
import { unwrapServed } from "../../../src/domain/recommendations/served.ts";

const RUN = `run_${"0".repeat(26)}`;

describe("a stored result with an origin", () => {
  it.each(["2026-11-29T03:00:00.000Z", "2026-11-29T03:00:00Z", "2026-11-29T03:00:00.123456+01:00"])(
    "is unwrapped where its time is %s",
    (at) => {
      const served_by = { run_id: RUN, task: "train", at };
      expect(unwrapServed({ served_by, value: 1 })).toEqual({ value: 1, origin: served_by });
    },
  );

  it.each([
    ["a time in words", { at: "yesterday" }],
    ["a time with letters that no header has", { at: "2026-11-29T☃" }],
    ["a time with a line behind it", { at: "2026-11-29T03:00:00Z\r\nset-cookie: a=b" }],
    ["a time that is a number", { at: 1_796_032_800_123 }],
    ["the id of no run", { run_id: "run_1" }],
    ["a task with a line break", { task: "train\n" }],
  ])("is the value itself where its origin has %s", (_what, wrong) => {
    const result = { served_by: { run_id: RUN, task: "train", at: "2026-11-29T03:00:00Z", ...wrong }, value: 1 };
    expect(unwrapServed(result)).toEqual({ value: result, origin: null });
  });
});
