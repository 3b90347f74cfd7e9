import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findJsonFault } from "../../src/payload/json-fault.ts";

describe("findJsonFault", () => {
  it.each([
    ["", "$", "line 1, column 1: expected a value, found the end"],
    ["{", "$", 'line 1, column 2: expected a key in double quotes or "}", found the end'],
    ["{'a': 1}", "$", 'line 1, column 2: expected a key in double quotes or "}", found "\'"'],
    ['{"a": 1,}', "$", 'line 1, column 9: expected a key in double quotes, found "}"'],
    ['{"a" 1}', "$.a", 'line 1, column 6: expected ":" after the key, found "1"'],
    ['{"a": undefined}', "$.a", 'line 1, column 7: expected a value, found "u"'],
    ['{"a": {"b": [1, 2\n 3]}}', "$.a.b[1]", 'line 2, column 2: expected "," or "]", found "3"'],
    ["[1, 2,]", "$[2]", 'line 1, column 7: expected a value, found "]"'],
    ["[1}", "$[0]", 'line 1, column 3: expected "," or "]", found "}"'],
    ["01", "$", 'line 1, column 2: expected the end, found "1"'],
    ['{"a": [], "b": {}} {}', "$", 'line 1, column 20: expected the end, found "{"'],
    ['["open', "$[0]", 'line 1, column 7: expected the closing " of a string, found the end'],
    ['["line\nbreak"]', "$[0]", 'line 1, column 7: expected it escaped in a string, found "\\n"'],
    [
      String.raw`{"a": "\x"}`,
      "$.a",
      String.raw`line 1, column 8: expected a known escape after it in a string, found "\\"`,
    ],
    ["a=1&b=2", "$", 'line 1, column 1: expected a value, found "a"'],
  ])("%j: %s", (text, path, message) => {
    expect(findJsonFault(text)).toEqual({ path, message });
  });

  it("finds a fault in any text that is not JSON", () => {
    const almostJson = fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom("", ",", "}", "]", '"', "x", "\\", "1", ":"))
      .map(
        ([text, at, insert]) =>
          text.slice(0, at % (text.length + 1)) + insert + text.slice((at % (text.length + 1)) + 1),
      );
    fc.assert(
      fc.property(almostJson, (text) => {
        fc.pre(!isJson(text));
        expect(findJsonFault(text).message).toMatch(/^line \d+, column \d+: expected /);
      }),
      { numRuns: 1000 },
    );
  });

  it("depth does not overflow", () => {
    expect(findJsonFault("[".repeat(100_000)).message).toBe("line 1, column 100001: expected a value, found the end");
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
