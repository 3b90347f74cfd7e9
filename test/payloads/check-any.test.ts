import { expect, it } from "vitest";
import type { StandardSchema } from "../../src/domain/standard-schema.ts";
import { ArrayIndexes } from "../../src/payloads/array-indexes.ts";
import { ArrayScanner } from "../../src/payloads/array-scanner.ts";
import { checkAny } from "../../src/payloads/check-any.ts";

/** A schema of another library that takes everything, and counts how often it is asked. */
function anything(): { readonly schema: StandardSchema; readonly asked: () => number } {
  let asked = 0;
  const validate = (value: unknown) => {
    asked += 1;
    return { value };
  };
  return { schema: { "~standard": { version: 1, vendor: "test", validate } }, asked: () => asked };
}

const MOST = 20_000;
const cycle: unknown[] = [];
cycle.push(cycle);

it.each<[string, unknown, boolean]>([
  ["as many values as are taken, itself among them", Array.from({ length: MOST - 1 }, () => 0), true],
  ["one value more", Array.from({ length: MOST }, () => 0), false],
  ["more in its lists together", Array.from({ length: 200 }, () => Array.from({ length: 100 }, () => 0)), false],
  ["more under its names", { a: { b: Array.from({ length: MOST }, () => 0) } }, false],
  ["no end, as one that is part of itself", cycle, false],
  ["bytes, which are one value", [new Uint8Array(2 * MOST)], true],
  ["nothing", null, true],
])("a value is held against a schema of another library unless it is too large: %s", async (_, value, isTaken) => {
  const { schema, asked } = anything();
  const checked = await checkAny(schema, value, "made");
  expect([checked.ok, asked()]).toEqual([isTaken, isTaken ? 1 : 0]);
  if (!checked.ok) expect(checked.issues[0]?.message).toContain("has more than");
});

it("a value that a schema of another library refuses is refused with its issues", async () => {
  const issue = { message: "expected a number", path: ["n"] };
  const validate = () => ({ issues: [issue] });
  const checked = await checkAny({ "~standard": { version: 1, vendor: "test", validate } }, {}, "made");
  expect(checked).toEqual({ ok: false, issues: [issue] });
});

it("the places in arrays are kept of the sixteen arrays that were scanned last", () => {
  const indexes = new ArrayIndexes();
  const scanned = new ArrayScanner();
  for (let number = 0; number < 16; number += 1) indexes.keep(`${number}`, scanned);
  indexes.keep("0", scanned);
  indexes.keep("16", scanned);
  const kept = ["0", "1", "2", "16"].filter((key) => indexes.get(key) !== undefined);
  expect(kept).toEqual(["0", "2", "16"]);
});
