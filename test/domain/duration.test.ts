import { describe, expect, it } from "vitest";
import { parseDuration, parseSize } from "../../src/domain/duration.ts";

describe("parseDuration", () => {
  it.each([
    ["0s", 0],
    ["250ms", 250],
    ["30s", 30_000],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["7d", 604_800_000],
  ])("parseDuration reads %s", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(["", "5", "s", "5 m", "1.5h", "-1s", "5M", "5min", "1e3s", "٣s", "5s!", "!5s", "999999999999999d"])(
    "parseDuration refuses %j",
    (text) => {
      expect(parseDuration(text)).toBeNull();
    },
  );
});

describe("parseSize", () => {
  it.each([
    ["0B", 0],
    ["64KB", 65_536],
    ["10MB", 10_485_760],
    ["1GB", 1_073_741_824],
  ])("parseSize reads %s", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(["", "64", "64kb", "64 KB", "1.5MB", "-1B", "64KiB", "constructor"])("parseSize refuses %j", (text) => {
    expect(parseSize(text)).toBeNull();
  });
});
