import { describe, expect, it } from "vitest";
import { checkJson, exampleOf, fieldsOf } from "../../src/dashboard/triggers/schema-check.ts";

const SCHEMA = {
  type: "object",
  properties: {
    uri: { type: "string", pattern: "^s3://" },
    speakers: { type: "integer", minimum: 1 },
    parts: { type: "array", items: { type: "object", properties: { at: { type: "number" } }, required: ["at"] } },
    language: { enum: ["de", "fr"] },
  },
  required: ["uri", "language"],
  additionalProperties: false,
} as const;

function faultsOf(value: unknown): (readonly [string | null, string])[] {
  const checked = checkJson(JSON.stringify(value), SCHEMA);
  return checked.state === "fits" ? [] : checked.faults.map(({ path, message }) => [path, message]);
}

describe("a payload against its schema", () => {
  it("a payload that fits its schema is there as a value", () => {
    const value = { uri: "s3://a", language: "de", parts: [{ at: 1 }] };
    expect(checkJson(JSON.stringify(value), SCHEMA)).toEqual({ state: "fits", value });
  });

  it("a payload that does not fit its schema is wrong at a path", () => {
    expect(faultsOf({ uri: "http://a", language: "de" }).map(([path]) => path)).toEqual(["$.uri"]);
    expect(faultsOf({ uri: "s3://a", language: "it" }).map(([path]) => path)).toEqual(["$.language"]);
    expect(faultsOf({ uri: "s3://a", language: "de", parts: [{ at: 1 }, {}] })[0]).toEqual([
      "$.parts[1]",
      expect.stringContaining('"at"'),
    ]);
    expect(faultsOf({ uri: "s3://a" })[0]?.[1]).toContain('"language"');
    expect(faultsOf({ uri: "s3://a", language: "de", more: 1 })).toEqual([["$.more", "The task takes nothing here."]]);
    expect(faultsOf({ uri: "a", language: "de" })).toEqual([["$.uri", "It must match ^s3://"]]);
  });

  it("a text that is no JSON is wrong, and any JSON fits where there is no schema", () => {
    expect(checkJson("{", SCHEMA)).toMatchObject({ state: "wrong", faults: [{ path: null }] });
    expect(checkJson("[1]", null)).toEqual({ state: "fits", value: [1] });
  });
});

describe("a form", () => {
  it("a form has the properties of an object in order, and begins with those that are required", () => {
    expect(fieldsOf(SCHEMA)?.map(({ name, isRequired }) => [name, isRequired])).toEqual([
      ["uri", true],
      ["speakers", false],
      ["parts", false],
      ["language", true],
    ]);
    expect(exampleOf(SCHEMA)).toEqual({ uri: "", language: "de" });
    expect([fieldsOf(null), fieldsOf({ type: "string" })]).toEqual([null, null]);
    expect([exampleOf(null), exampleOf({ type: "array" }), exampleOf({ default: 7 })]).toEqual([{}, [], 7]);
  });

  it("the example of a number is within the limits of its schema where zero is not", () => {
    const numbers = [
      { type: "integer", minimum: 1 },
      { type: "number", exclusiveMinimum: 0 },
      { type: "integer", maximum: -3 },
      { type: "number", minimum: -5, maximum: 5 },
    ];
    expect(numbers.map((schema) => exampleOf(schema))).toEqual([1, 1, -3, 0]);
  });
});
