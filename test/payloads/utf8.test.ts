import { fc } from "../support/property.ts";
import { describe, expect, it } from "vitest";
import { decodeUtf8, decodeUtf8Document, utf8Text } from "../../src/payloads/utf8.ts";

/** Bytes of which many are nearly UTF-8. */
const PARTS = ["a", "ü", "\uFEFF", "€", "🍑", "\0"].map((text) => [...new TextEncoder().encode(text)]);
const BROKEN = [
  [0x80],
  [0xc3],
  [0xe2, 0x82],
  [0xf0, 0x9f, 0x8d],
  [0xc0, 0xaf],
  [0xed, 0xa0, 0x80],
  [0xf5, 0x80],
  [0xff],
];
const anyBytes = fc
  .array(
    fc.oneof(
      fc.constantFrom(...PARTS, ...BROKEN),
      fc.uint8Array({ maxLength: 3 }).map((bytes) => [...bytes]),
    ),
  )
  // A view of a larger buffer: what is beside it is none of it.
  .map((parts) => Uint8Array.from([0x78, ...parts.flat(), 0x78]).subarray(1, -1));

describe("bytes in UTF-8", () => {
  it("bytes in UTF-8 are read as the standard's decoder reads them, of whatever bytes", () => {
    const keeping = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(decodeUtf8(bytes)).toBe(keeping.decode(bytes));
        expect(decodeUtf8Document(bytes)).toBe(new TextDecoder().decode(bytes));
      }),
      { numRuns: 500 },
    );
  });

  it("bytes in UTF-8 are refused where the standard's decoder refuses them", () => {
    const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const expected = (bytes: Uint8Array): string | null => {
      try {
        return strict.decode(bytes);
      } catch {
        return null;
      }
    };
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(utf8Text(bytes)).toBe(expected(bytes));
      }),
      { numRuns: 500 },
    );
  });
});
