import { describe, expect, it } from "vitest";
import { newTraceparent, readTraceparent, spanOf } from "../../src/domain/trace.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const GIVEN = `00-${TRACE}-b7ad6b7169203331-01`;

describe("a traceparent", () => {
  it.each([
    [GIVEN, GIVEN],
    [` ${GIVEN} `, GIVEN],
    [`00-${TRACE}-b7ad6b7169203331-00`, `00-${TRACE}-b7ad6b7169203331-00`],
    [`cc-${TRACE}-b7ad6b7169203331-01`, GIVEN],
    [`cc-${TRACE}-b7ad6b7169203331-01-what-the-future-brings`, GIVEN],
  ])("%j is read as %s", (header, read) => {
    expect(readTraceparent(header)).toBe(read);
  });

  it.each([
    "",
    "garbage",
    `${GIVEN}-more`,
    `ff-${TRACE}-b7ad6b7169203331-01`,
    `00-${TRACE.toUpperCase()}-b7ad6b7169203331-01`,
    `00-${"0".repeat(32)}-b7ad6b7169203331-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `00-${TRACE}-b7ad6b716920333-01`,
    `00-${TRACE}-b7ad6b7169203331`,
  ])("%j is none", (header) => {
    expect(readTraceparent(header)).toBeNull();
  });

  it("a traceparent has spans of its own, in the same trace and with the same flags", () => {
    expect(spanOf(GIVEN, Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 255))).toBe(`00-${TRACE}-00010203040506ff-01`);
  });

  it("a traceparent that begins here is recorded, and can be read", () => {
    const made = newTraceparent(Uint8Array.from({ length: 24 }, (_, index) => index + 1));
    expect(made).toBe("00-0102030405060708090a0b0c0d0e0f10-1112131415161718-01");
    expect(readTraceparent(made)).toBe(made);
  });
});
