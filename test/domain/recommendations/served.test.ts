import { describe, expect, it } from "vitest";
import { markServed, unwrapServed, wrapServed } from "../../../src/domain/recommendations/served.ts";

const RUN = `run_${"0".repeat(26)}`;

const ORIGIN = { run_id: RUN, task: "train", at: "2026-11-29T03:00:00.000Z" };

/** What a store gives back. */
const stored = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe("a stored result with an origin", () => {
  it.each(["2026-11-29T03:00:00.000Z", "2026-11-29T03:00:00Z", "2026-11-29T03:00:00.123456+01:00"])(
    "a stored result with an origin is read and unwrapped where its time is %s",
    (at) => {
      const served_by = { ...ORIGIN, at };
      expect(unwrapServed(markServed({ served_by, value: 1 }))).toEqual({ value: 1, origin: served_by });
    },
  );

  it("a stored result with an origin is the JSON of origin and value alone in the store", () => {
    expect(JSON.stringify(wrapServed([1], ORIGIN))).toBe(`{"served_by":${JSON.stringify(ORIGIN)},"value":[1]}`);
  });

  it("a stored result with an origin keeps its origin where a component returns a part of the value", () => {
    const read = markServed<string[]>(stored(wrapServed(["a", "b"], ORIGIN)));
    expect(unwrapServed({ ...read, value: read.value.slice(0, 1) })).toEqual({ value: ["a"], origin: ORIGIN });
  });

  it("a stored result with an origin names no run where a component passes on the JSON of another service", () => {
    const foreign = stored({ served_by: ORIGIN, value: ["theirs"] });
    expect(unwrapServed(foreign)).toEqual({ value: foreign, origin: null });
    const marks = stored({ served_by: ORIGIN, value: 1, "peach.served": true, "Symbol(peach.served)": true });
    expect(unwrapServed(marks)).toEqual({ value: marks, origin: null });
  });

  it.each([
    ["a time in words", { at: "yesterday" }],
    ["a time with letters that no header has", { at: "2026-11-29T☃" }],
    ["a time with a line behind it", { at: "2026-11-29T03:00:00Z\r\nset-cookie: a=b" }],
    ["a time that is a number", { at: 1_796_032_800_123 }],
    ["the id of no run", { run_id: "run_1" }],
    ["a task with a line break", { task: "train\n" }],
  ])("a stored result with an origin is refused where its origin has %s, and names no run", (_what, wrong) => {
    const served_by = { ...ORIGIN, ...wrong };
    expect(() => markServed({ served_by, value: 1 })).toThrow("the stored result has no origin");
    const changed = { ...markServed({ served_by: ORIGIN, value: 1 }), served_by };
    expect(unwrapServed(changed)).toEqual({ value: changed, origin: null });
  });

  it.each([
    ["null", null],
    ["a list", ["a"]],
    ["a value alone", { value: 1 }],
    ["a text", "{}"],
  ])("a stored result with an origin is refused where the store holds %s", (_what, value) =>
    expect(() => markServed(value)).toThrow("a task stores it by `servedBy`"),
  );
});
