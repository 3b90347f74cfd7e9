import { describe, expect, it } from "vitest";
import { cutJson, parseJson } from "../../src/payloads/cut-json.ts";
import { fc } from "../support/property.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Lengths around those from which a text is cut. */
const length = fc.oneof(fc.integer({ min: 8_000, max: 9_000 }), fc.integer({ min: 16_370, max: 40_000 }));
const longText = fc
  .tuple(length, fc.constantFrom("€", "ü", "😀", "x€", "x", "0"), fc.string({ unit: "binary", maxLength: 3 }))
  .map(([most, unit, end]) => unit.repeat(Math.ceil(most / unit.length)) + end);

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    longText,
    fc.string({ unit: "binary", maxLength: 4 }),
    fc.integer(),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.string({ maxLength: 3 }), fc.constant("__proto__"), longText), tie("value"), {
      maxKeys: 3,
    }),
  ),
}));

describe("the JSON of bytes", () => {
  it("the JSON of bytes is parsed as the text of all of it is", () => {
    let cuts = 0;
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 1), (given, indent) => {
        const text = JSON.stringify(given, undefined, indent);
        const expected: unknown = JSON.parse(text);
        const parsed = parseJson(bytesOf(text));
        expect(parsed).toStrictEqual(expected);
        expect(JSON.stringify(parsed) === JSON.stringify(expected)).toBe(true);
        cuts += Number(cutJson(bytesOf(text)) !== null);
      }),
      { numRuns: 300 },
    );
    expect(cuts).toBeGreaterThan(30);
  });

  it("the JSON of bytes is refused wherever the text of all of it is, whatever stands behind, before or in a long text", () => {
    const part = fc.constantFrom(
      '"',
      "\\",
      "\n",
      "\t",
      "€",
      "a",
      "0",
      ":",
      ",",
      "[",
      "]",
      "{",
      "}",
      '"€"',
      "\\u20ac",
      " ",
    );
    const long = fc.constantFrom("€".repeat(6_000), "0".repeat(17_000), "x€".repeat(5_000));
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 3, arbitrary: part }, long), { maxLength: 14 }), (parts) => {
        const text = parts.join("");
        expect([text, outcome(() => parseJson(bytesOf(text)))]).toEqual([text, outcome(() => JSON.parse(text))]);
      }),
      { numRuns: 3_000 },
    );
  });

  it("the JSON of bytes is cut where a text is long and not ASCII", () => {
    const wide = "€".repeat(6_000);
    const cut = cutJson(bytesOf(JSON.stringify({ a: [wide, "x".repeat(20_000), wide], [wide]: "€" })));
    expect(cut?.text.length).toBeLessThan(27_000);
    expect(cut?.restore(JSON.parse(cut.text))).toEqual({ a: [wide, "x".repeat(20_000), wide], [wide]: "€" });
  });

  it("the JSON of bytes is not cut in vain", () => {
    for (const given of ["x".repeat(50_000), `€${"x\n".repeat(20_000)}`, ["€".repeat(2_000)]])
      expect(cutJson(bytesOf(JSON.stringify(given)))).toBeNull();
  });

  it("the JSON of bytes is parsed however deep a long text stands in it", () => {
    const wide = "€".repeat(6_000);
    const text = `${"[".repeat(100_000)}"${wide}"${"]".repeat(100_000)}`;
    let inner = parseJson(bytesOf(text));
    while (Array.isArray(inner)) [inner] = inner;
    expect(inner).toBe(wide);
  });

  it("the JSON of bytes keeps the last of two members of a name, though the first one was cut", () => {
    const wide = "€".repeat(6_000);
    expect(parseJson(bytesOf(`{"a":"${wide}","a":1,"b":"${wide}"}`))).toEqual({ a: 1, b: wide });
  });
});

function outcome(parse: () => unknown): unknown {
  try {
    return { value: parse() };
  } catch {
    return "refused";
  }
}
