import { describe, expect, it } from "vitest";
import { byteRange } from "../../../src/http/api/byte-range.ts";

describe("the range of a payload of 1,000 bytes", () => {
  it.each([
    ["bytes=0-0", { offset: 0, length: 1 }],
    ["bytes=0-99", { offset: 0, length: 100 }],
    ["Bytes= 10-19 ", { offset: 10, length: 10 }],
    ["bytes=999-", { offset: 999, length: 1 }],
    ["bytes=0-5000", { offset: 0, length: 1_000 }],
    ["bytes=-1", { offset: 999, length: 1 }],
    ["bytes=-5000", { offset: 0, length: 1_000 }],
    ["bytes=1000-", "unsatisfiable"],
    ["bytes=1000-2000", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=5-4", null],
    ["bytes=-", null],
    ["bytes=0-1,3-4", null],
    ["items=0-1", null],
    ["0-1", null],
    [undefined, null],
  ])("the range of a payload of 1,000 bytes that %j asks for is %j", (header, range) => {
    expect(byteRange(header, 1_000)).toEqual(range);
  });

  it("the range of a payload without bytes is never there", () => {
    expect([byteRange("bytes=0-", 0), byteRange("bytes=-1", 0)]).toEqual(["unsatisfiable", "unsatisfiable"]);
  });
});
