import { describe, expect, it } from "vitest";
import { curlOf } from "../../src/dashboard/curl.ts";
import {
  formatBytes,
  formatDuration,
  formatExact,
  formatHidden,
  formatPlural,
  formatRate,
  formatRelative,
  formatWallClock,
  percentile,
  shortId,
} from "../../src/dashboard/format.ts";
import { hexLines, viewerOf } from "../../src/dashboard/parts/payload-kind.ts";

describe("a time", () => {
  it("a time is shown with its day, hour, minute, second, milliseconds and zone", () => {
    const at = new Date(2026, 10, 22, 9, 5, 3, 7);
    expect(formatExact(at.getTime())).toMatch(/^22 Nov 2026, 09:05:03\.007 \S+/);
  });

  it("a due time is shown as a clock in the zone of its schedule shows the time", () => {
    expect(formatWallClock("2026-12-01T03:00:00+01:00")).toBe("Tue 1 Dec 2026, 03:00");
    expect(formatWallClock("2026-12-31T23:30:00-08:00")).toBe("Thu 31 Dec 2026, 23:30");
  });
});

describe("numbers", () => {
  it.each([
    [-1, "0 ms"],
    [0, "0 ms"],
    [999.4, "999 ms"],
    [1_000, "1.00 s"],
    [12_345, "12.3 s"],
    [59_949, "59.9 s"],
    [59_950, "1 m"],
    [192_000, "3 m 12 s"],
    [3_599_600, "1 h"],
    [7_500_000, "2 h 5 m"],
    [273_600_000, "3 d 4 h"],
  ])("%d ms are %s", (ms, text) => expect(formatDuration(ms)).toBe(text));

  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1_000, "1 KB"],
    [4_213, "4.2 KB"],
    [999_600, "1 MB"],
    [18_400_000, "18.4 MB"],
    [150_000_000_000, "150 GB"],
  ])("%d bytes are %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it("a size that is unknown is shown as that, instead of 0 B", () => {
    expect(formatBytes(null)).toBe("unknown size");
  });

  it("a time is shown in one unit, as past or to come", () => {
    const texts = [500, 12_000, 90_000, 7_200_000, 200_000_000, -5_000].map((ago) => formatRelative(1e12 - ago, 1e12));
    expect(texts).toEqual(["now", "12 s ago", "1 m ago", "2 h ago", "2 d ago", "in 5 s"]);
  });

  it("a rate is never rounded to all or nothing", () => {
    const rates = [formatRate(0, 0), formatRate(3, 3), formatRate(0, 3), formatRate(9_999, 10_000), formatRate(1, 3)];
    expect(rates).toEqual(["–", "100%", "0%", "99.9%", "33.3%"]);
  });

  it("the dashboard formats percentiles, plurals and short ids", () => {
    expect([percentile([], 0.5), percentile([3, 1, 2], 0.5), percentile([1, 2, 3, 4], 0.95)]).toEqual([null, 2, 4]);
    expect([formatPlural(1, "run"), formatPlural(1_200, "run")]).toEqual(["1 run", "1,200 runs"]);
    expect([shortId("run_1"), shortId("run_01ABCDEFGHIJKLMNOP")]).toEqual(["run_1", "run_01AB…MNOP"]);
  });
});

describe("a line for a shell", () => {
  it("a line for a shell names the token by its variable, and lets nothing of the payload out of its quotes", () => {
    const body = `{"a": "it's $(rm -rf) \`x\`"}`;
    const call = { method: "POST", origin: "http://x", path: "/api/v1/a", contentType: "application/json" } as const;
    expect(curlOf({ ...call, body })).toBe(
      [
        `curl -X POST 'http://x/api/v1/a' \\`,
        `  -H "Authorization: Bearer $PEACH_API_TOKEN" \\`,
        `  -H 'Content-Type: application/json' \\`,
        `  --data-binary '{"a": "it'\\''s $(rm -rf) \`x\`"}'`,
      ].join("\n"),
    );
  });
});

describe("a payload", () => {
  it.each([
    ["application/json; charset=utf-8", "json"],
    ["application/problem+json", "json"],
    ["TEXT/HTML", "text"],
    ["image/svg+xml", "image"],
    ["audio/mpeg", "audio"],
    ["video/mp4", "video"],
    ["application/xml", "text"],
    ["application/octet-stream", "bytes"],
    ["", "bytes"],
  ])("a payload of type %j is shown as %s", (type, viewer) => expect(viewerOf(type)).toBe(viewer));

  it("a payload of bytes is a hex dump", () => {
    const bytes = new TextEncoder().encode("Peach\u0000\nabcdefghijk");
    expect(hexLines(bytes)).toEqual([
      "000000  50 65 61 63 68 00 0a 61 62 63 64 65 66 67 68 69  Peach··abcdefghi",
      "000010  6a 6b                                            jk",
    ]);
  });
});

describe("characters that a browser does not show", () => {
  it.each([
    ["\u202E0001", "\\u202e0001"],
    ["a\u2066b\u2069\u200Bc\u001B[31m\u009B\uFEFF", "a\\u2066b\\u2069\\u200bc\\u001b[31m\\u009b\\ufeff"],
    ["two\n\tlines\r\n", "two\n\tlines\r\n"],
    ["שלום, \u{1F469}\u200D\u{1F52C} é", "שלום, \u{1F469}\u200D\u{1F52C} é"],
  ])("%j is shown as %j", (text, shown) => {
    expect(formatHidden(text)).toBe(shown);
  });
});
