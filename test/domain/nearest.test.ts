import { describe, expect, it } from "vitest";
import { nearest } from "../../src/domain/nearest.ts";

describe("nearest", () => {
  it.each([
    ["recomend", "recommend"],
    ["RECOMMEND", "recommend"],
    ["archvie", "archive"],
    ["recom", "recommend"],
    ["arch", "archive"],
  ])("nearest takes %s for %s", (given, meant) => {
    expect(nearest(given, ["audio_transcription", "recommend", "archive", "t"])).toBe(meant);
  });

  it.each(["x", "path", "publish", ""])("nearest takes %j for nothing known", (given) => {
    expect(nearest(given, ["auth", "recommend", "t"])).toBeNull();
  });

  it("nearest takes the first of two that are as near", () => {
    expect(nearest("task", ["task1", "task2"])).toBe("task1");
  });
});
