import { fc } from "../support/property.ts";
import { describe, expect, it } from "vitest";
import { findInexactNumbers, findJsonFault } from "../../src/payloads/json-fault.ts";

describe("findJsonFault", () => {
  it.each([
    ["", "$", "line 1, column 1: expected a value, found the end"],
    ["{", "$", 'line 1, column 2: expected a key in double quotes or "}", found the end'],
    ["{'a': 1}", "$", 'line 1, column 2: expected a key in double quotes or "}", found "\'"'],
    ['{"a": 1,}', "$", 'line 1, column 9: expected a key in double quotes, found "}"'],
    ['{"a" 1}', "$.a", 'line 1, column 6: expected ":" after the key, found "1"'],
    ['{"a": undefined}', "$.a", 'line 1, column 7: expected a value, found "u"'],
    ['{"a": {"b": [1, 2\n 3]}}', "$.a.b[1]", 'line 2, column 2: expected "," or "]", found "3"'],
    ['{"a": 1 "b": 2}', "$.a", 'line 1, column 9: expected "," or "}", found "\\""'],
    ['{\r\n\t"a": 1,\r\n\t"b" 2}', "$.b", 'line 3, column 6: expected ":" after the key, found "2"'],
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

  it("findJsonFault finds a fault in any text that is not JSON", () => {
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

  it("findJsonFault does not overflow on depth", () => {
    expect(findJsonFault("[".repeat(100_000)).message).toBe("line 1, column 100001: expected a value, found the end");
  });
});

describe("findInexactNumbers", () => {
  it.each([
    ["9007199254740991", []],
    ["-9007199254740991", []],
    ["9007199254740992", ["$"]],
    ["[1, -9007199254740993]", ["$[1]"]],
    ['{"a": {"b": [12345678901234567890]}}', ["$.a.b[0]"]],
    ['{"a":1e400,"b":-1E+309,"c":1e308}', ["$.a", "$.b"]],
    [`[1${"0".repeat(400)}]`, ["$[0]"]],
    [`[0.${"0".repeat(400)}1e-400, 1e-999]`, []],
    ["[1e30, 123456789012345678.0, 0.1234567890123456789, -0, 1E+22]", []],
    ['["9007199254740993", " 9007199254740993", "[1e400", "\\" 9007199254740993"]', []],
    ['{"9007199254740993": " 9007199254740993", "b" : 9007199254740993 }', ["$.b"]],
  ])("%s: %j", (text, paths) => {
    expect(findInexactNumbers(text).map(({ path }) => path)).toEqual(paths);
  });

  it("findInexactNumbers says what is wrong with each, and names at most 20", () => {
    expect(findInexactNumbers("[9007199254740993, 1e999]").map(({ message }) => message)).toEqual([
      "9007199254740993 is beyond 2^53 - 1, up to which whole numbers are exact (send it as a string)",
      "1e999 is too large for a number (send it as a string)",
    ]);
    const shown = (digits: number): string | undefined =>
      findInexactNumbers("9".repeat(digits))[0]?.message.split(" ")[0];
    expect([shown(40), shown(41), shown(5_000)]).toEqual([
      "9".repeat(40),
      ...Array<string>(2).fill(`${"9".repeat(40)}...`),
    ]);
    expect(findInexactNumbers(JSON.stringify(Array.from({ length: 10_000 }, () => 2 ** 53)))).toHaveLength(20);
  });

  it("findInexactNumbers finds every number that would come out as another one, wherever it stands", () => {
    const digits = fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }).map(String);
    const near = fc.bigInt({ min: 2n ** 53n - 3n, max: 2n ** 53n + 3n }).map(String);
    const exponent = fc
      .tuple(fc.integer(), fc.nat(99_999), fc.constantFrom("e", "E", "e+", "e-"), fc.nat(420))
      .map(([whole, fraction, e, power]) => `${whole}.${fraction}${e}${power}`);
    const text = fc.tuple(fc.string(), digits, fc.string()).map((parts) => JSON.stringify(parts.join(" ")));
    const space = fc.constantFrom("", " ", "\n\t");
    const item = fc.tuple(space, fc.oneof(digits, near, exponent, text), space).map((parts) => parts.join(""));
    const list = fc.array(item, { maxLength: 15 }).map((items) => `[${items.join(",")}]`);
    fc.assert(
      fc.property(list, fc.boolean(), (json, isInObject) => {
        const found = findInexactNumbers(isInObject ? `{"x":${json}}` : json);
        expect(found.map(({ path }) => path)).toEqual(
          changedIn(json).map((index) => `$${isInObject ? ".x" : ""}[${index}]`),
        );
      }),
      { numRuns: 2_000 },
    );
  });
});

/** The places in this flat array where the text says another number than its value does, by exact arithmetic. */
function changedIn(json: string): number[] {
  const changed: number[] = [];
  const note = (key: string, value: unknown, { source = "" }: { readonly source?: string } = {}): unknown => {
    if (typeof value !== "number") return value;
    const isExact = !/^-?\d+$/.test(source) || (BigInt(source) > -(2n ** 53n) && BigInt(source) < 2n ** 53n);
    if (!isExact || !Number.isFinite(value)) changed.push(Number(key));
    return value;
  };
  JSON.parse(json, note);
  return changed;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
