import { describe, expect, it } from "vitest";
import { payloadBody } from "../../src/client/payload.ts";
import { encodePayload } from "../../src/payloads/codec.ts";
import { fc } from "../support/property.ts";

/** Texts of some lengths around those at which they are cut, of letters of one to four bytes, halves of letters and what is escaped. */
const longTexts = fc
  .tuple(fc.string({ unit: "binary" }), fc.string({ unit: "binary", minLength: 1, maxLength: 8 }), fc.nat(40_000))
  .map(([before, unit, length]) => before + unit.repeat(Math.ceil(length / unit.length)))
  .chain((text) => fc.nat(3).map((cut) => text.slice(cut)));

const values = fc.array(
  fc.oneof(
    longTexts,
    fc.record({ id: fc.constant(1), data: longTexts }),
    longTexts.map((name) => ({ a: 1, [`a${name}`]: name, z: [name] })),
  ),
);

function written(value: unknown): string {
  const encoded = encodePayload(value);
  if (!encoded.ok || !(encoded.value.body instanceof Uint8Array)) throw new Error("not encoded");
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(encoded.value.body);
}

describe("a long text", () => {
  it("a long text is written as JSON.stringify writes it, wherever it stands", () => {
    fc.assert(
      fc.property(values, (value) => {
        const expected = JSON.stringify(value);
        expect(written(value) === expected).toBe(true);
        expect(payloadBody(value).body === expected).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it.each(["\u{1f600}", "\u{10ffff}", "\ud83d", "\ude00", "\ud83d\u{1f600}", "\u{1f600}\ude00", "\u0000", "€"])(
    "a long text keeps %j at each place near the cuts",
    (letter) => {
      for (let before = 16_380; before <= 16_388; before += 1) {
        const value = [`${"x".repeat(before)}${letter}${"€".repeat(16_380)}${letter}x`];
        expect(written(value) === JSON.stringify(value)).toBe(true);
      }
    },
  );
});
