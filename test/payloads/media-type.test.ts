import { describe, expect, it } from "vitest";
import { isMediaType } from "../../src/payloads/media-type.ts";

describe("a media type", () => {
  it.each([
    "text/plain",
    "text/plain;charset=utf-8",
    'text/plain ; charset="utf-8"; format=flowed',
    'a/b;c="\\"quoted; \\\\"',
    "application/vnd.peach.v1+json",
    "text/plain;",
    "text/plain; ;charset=utf-8",
  ])("a media type is %s", (text) => expect(isMediaType(text)).toBe(true));

  it.each([
    "",
    "text",
    "text/",
    "/plain",
    "text/plain/more",
    "text /plain",
    "a/b\r\nX-Evil: 1",
    "a/b\n",
    "ä/b",
    "a/b;c=ü",
    'a/b;c="open',
    "a/b;c",
    "a/b;c=d e",
    "a/b, c/d",
    ";;;",
  ])("a media type is not %j", (text) => expect(isMediaType(text)).toBe(false));

  it("a media type is told at once, whatever the text", () => {
    for (const text of [`a/b${" ;".repeat(50_000)}!`, `a/b${"; ".repeat(50_000)},`, `a/b;c="${"\\".repeat(100_001)}`]) {
      expect(isMediaType(text)).toBe(false);
    }
  });
});
