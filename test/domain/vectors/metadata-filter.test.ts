import { describe, expect, it } from "vitest";
import {
  filterFault,
  isMetadata,
  matcherOf,
  type Metadata,
  type MetadataFilter,
} from "../../../src/domain/vectors/metadata-filter.ts";

const ITEM: Metadata = { lang: "de", year: 2024, live: true, series: null, title: "Abend" };

describe("a filter of metadata", () => {
  const cases: readonly (readonly [string, MetadataFilter, boolean])[] = [
    ["has no conditions", {}, true],
    ["asks for an equal text", { lang: "de" }, true],
    ["asks for another text", { lang: "en" }, false],
    ["asks for null", { series: null }, true],
    ["asks for null where there is a value", { lang: null }, false],
    ["asks for a property that is missing", { channel: "one" }, false],
    ["asks for null of a property that is missing", { channel: null }, false],
    ["compares no text with a number", { year: "2024" }, false],
    ["asks for one of a list", { lang: { in: ["en", "de"] } }, true],
    ["asks for one of a list without it", { lang: { in: ["en", 2024] } }, false],
    ["asks for one of nothing", { lang: { in: [] } }, false],
    ["asks for a range around the number", { year: { gte: 2024, lt: 2025 } }, true],
    ["asks for a range that ends below the number", { year: { lt: 2024 } }, false],
    ["asks for a range that ends at the number", { year: { lte: 2024 } }, true],
    ["asks for a range that begins at the number", { year: { gt: 2024 } }, false],
    ["asks for a range of texts", { title: { gte: "A", lt: "B" } }, true],
    ["compares no number with a range of texts", { year: { gte: "0" } }, false],
    ["has a condition that holds and one that does not", { lang: "de", live: false }, false],
  ];
  it.each(cases)("a filter of metadata that %s", (_, filter, holds) => {
    expect(filterFault(filter)).toBeNull();
    expect(matcherOf(filter)(ITEM)).toBe(holds);
  });

  it("a filter of metadata finds no item without metadata, unless it has no conditions", () => {
    expect(matcherOf({ lang: "de" })(null)).toBe(false);
    expect(matcherOf({})(null)).toBe(true);
  });

  it("a filter of metadata reads no inherited property", () => {
    expect(matcherOf({ constructor: { in: ["x"] } })(ITEM)).toBe(false);
  });

  it.each([
    ["a text", "de", "an object"],
    ["a Map, whose entries are no properties", new Map([["lang", "de"]]), "an object"],
    ["a Map as condition", { year: new Map([["gt", 3]]) }, "is a value"],
    ["an unknown condition", { year: { above: 3 } }, 'unknown condition "above"'],
    ["no condition at all", { year: {} }, "has no condition"],
    ["a list of objects", { lang: { in: [{}] } }, "no list of values"],
    ["`in` beside a range", { lang: { in: ["de"], gt: "a" } }, "beside other conditions"],
    ["a bound that is no number", { year: { gt: Number.NaN } }, "neither a number nor a string"],
    ["a number that JSON cannot hold", { year: Number.POSITIVE_INFINITY }, "is a value"],
    ["a list", { lang: ["de"] }, "is a value"],
    ["too many values", { lang: { in: Array.from({ length: 1_001 }, () => "x") } }, "at most 1000"],
    [
      "too many conditions",
      Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`p${index}`, 1])),
      "at most 16",
    ],
  ])("a filter of metadata with %s is refused", (_, filter, reason) => {
    expect(filterFault(filter)).toContain(reason);
  });
});

describe("metadata", () => {
  it.each([
    [{}, true],
    [ITEM, true],
    [{ a: [1] }, false],
    [{ a: { b: 1 } }, false],
    [{ a: Number.NaN }, false],
    ["x", false],
    [null, false],
    [[], false],
  ])("metadata is a flat object of values: %j", (value, is) => {
    expect(isMetadata(value)).toBe(is);
  });
});
