import { describe, expect, it } from "vitest";
import { parseSentJson } from "../../src/payloads/sent-json.ts";

function outcomeOf(text: string): string {
  const parsed = parseSentJson(text, "Send JSON.");
  return parsed.ok ? "taken" : `${parsed.problem.code} ${parsed.problem.detail}`;
}

function nested(depth: number): string {
  return `${'{"a":['.repeat(depth / 2)}1${"]}".repeat(depth / 2)}`;
}

describe("JSON that was sent", () => {
  it.each([
    ["1,000 levels", nested(1_000)],
    ["brackets in strings", `["${"[{".repeat(2_000)}", "${String.raw`\"[`.repeat(2_000)}"]`],
    ["a million values", `[${"[],".repeat(250_000)}${"0,".repeat(499_990)}"],,"]`],
    ["a million numbers", `[${"0,".repeat(999_999)}0]`],
    ["the same name half a million times", `[${'{"name":1},'.repeat(490_000)}{}]`],
    ["200,000 names", JSON.stringify(Object.fromEntries(Array.from({ length: 199_000 }, (_, at) => [`k${at}`, at])))],
    ["as many strings as one likes", JSON.stringify(Array.from({ length: 400_000 }, (_, at) => `k${at}`))],
  ])("JSON that was sent is taken: %s", (_, text) => {
    expect(outcomeOf(text)).toBe("taken");
  });

  it.each([
    ["1,001 levels", `[${nested(1_000)}]`, "invalid_payload The JSON is nested deeper than 1000 levels"],
    ["1,002 levels", nested(1_002), "invalid_payload The JSON is nested deeper than 1000 levels"],
    [
      "1,001 levels behind lists that have ended",
      `[${"[],".repeat(2_000)}${nested(1_000)}]`,
      "invalid_payload The JSON",
    ],
    ["20,000 open brackets", "[".repeat(20_000), "invalid_payload The JSON is nested deeper"],
    ["10 MB of open brackets", "[".repeat(10_000_000), "invalid_payload The JSON is nested deeper"],
    ["a million numbers and one", `[${"0,".repeat(1_000_000)}0]`, "payload_too_large The JSON has more than 1000000"],
    ["10 MB of empty objects", `[${"{},".repeat(3_300_000)}{}]`, "payload_too_large The JSON has more than 1000000"],
    [
      "300,000 names",
      JSON.stringify(Object.fromEntries(Array.from({ length: 300_000 }, (__, at) => [`k${at}`, at]))),
      "payload_too_large The JSON has more than about 200000 different names",
    ],
    [
      "300,000 names, each in an object of its own",
      `[${Array.from({ length: 300_000 }, (__, at) => `{"k${at}" :0}`).join(",")}]`,
      "payload_too_large The JSON has more than about 200000 different names",
    ],
  ])("JSON that was sent is refused before it is parsed: %s", (_, text, problem) => {
    expect(outcomeOf(text)).toContain(problem);
  });

  it("JSON that was sent that is none is refused with the place", () => {
    expect(outcomeOf('{"a": [1,]}')).toBe(
      'invalid_json The body is not valid JSON: line 1, column 10: expected a value, found "]".',
    );
    expect(outcomeOf(`${"\n".repeat(1_000_000)}}`)).toContain("line 1000001, column 1");
    expect(outcomeOf(" ")).toContain("empty");
  });
});
