import { describe, expect, it } from "vitest";
import type { ParamPlan } from "../../../src/domain/plan/recommendation-plan.ts";
import { paramsKey, readParams } from "../../../src/domain/recommendations/params.ts";

function param(name: string, type: ParamPlan["type"], more: Partial<ParamPlan> = {}): ParamPlan {
  return {
    name,
    type,
    required: false,
    default: null,
    minimum: null,
    maximum: null,
    enum: null,
    pattern: null,
    maxLength: 1_000,
    description: null,
    ...more,
  };
}

const PARAMS = [
  param("user", "string", { required: true, maxLength: 5, pattern: "^[a-z]+$" }),
  param("limit", "integer", { default: 10, minimum: 1, maximum: 50 }),
  param("ratio", "number"),
  param("kids", "boolean"),
  param("language", "string", { enum: ["de", "fr"] }),
];

function read(query: string, path: Record<string, string> = {}): unknown {
  const result = readParams(PARAMS, new URLSearchParams(query), path);
  return result.ok ? { ...result.params } : result.wrong.map(({ name, message }) => `${name} ${message}`);
}

describe("the parameters of a request", () => {
  it.each([
    ["user=ada", { user: "ada", limit: 10 }],
    [
      "user=ada&limit=50&ratio=-2.5e1&kids=true&language=fr",
      { user: "ada", limit: 50, ratio: -25, kids: true, language: "fr" },
    ],
    ["user=ada&limit=&kids=false", { user: "ada", limit: 10, kids: false }],
    ["user=ada&utm_source=x&utm_source=y&toString=1", { user: "ada", limit: 10 }],
  ])("%s are read with their types and defaults", (query, params) => {
    expect(read(query)).toEqual(params);
  });

  it.each([
    ["", ["user is missing"]],
    ["user=", ["user is missing"]],
    ["user=Ada", ["user must match the pattern ^[a-z]+$"]],
    ["user=abcdef", ["user must have at most 5 characters"]],
    ["user=a&user=b", ["user is given 2 times: give it once"]],
    ["user=a&limit=0", ["limit must be at least 1"]],
    ["user=a&limit=51", ["limit must be at most 50"]],
    ["user=a&limit=1.5", ["limit must be a whole number"]],
    ["user=a&limit=0x10", ["limit must be a whole number"]],
    ["user=a&limit=9007199254740993", ["limit must be a whole number"]],
    ["user=a&ratio=NaN", ["ratio must be a number"]],
    ["user=a&ratio=1e999", ["ratio must be a number"]],
    ["user=a&kids=yes", ["kids must be true or false"]],
    ["user=a&language=it", ["language must be one of de, fr"]],
    [
      "limit=x&kids=1&language=it",
      [
        "user is missing",
        "limit must be a whole number",
        "kids must be true or false",
        "language must be one of de, fr",
      ],
    ],
  ])("%s are refused, all that are wrong at once", (query, wrong) => {
    expect(read(query)).toEqual(wrong);
  });

  it("the parameters of a request in the path win over those of the query, and are checked alike", () => {
    expect(read("user=eve", { user: "ada" })).toEqual({ user: "ada", limit: 10 });
    expect(read("user=eve", { user: "Ada" })).toEqual(["user must match the pattern ^[a-z]+$"]);
  });

  it("the parameters of a request have one key for the cache, whatever their order", () => {
    expect(paramsKey({ user: "a", limit: 3 })).toBe(paramsKey({ limit: 3, user: "a" }));
    expect(paramsKey({ user: "a", limit: 3 })).not.toBe(paramsKey({ user: "a", limit: 30 }));
    expect(paramsKey({ user: "3" })).not.toBe(paramsKey({ user: 3 }));
  });
});
