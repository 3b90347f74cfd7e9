import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { renderRecommendations } from "../../src/local/recommendation-table.ts";

describe("the table of recommendations", () => {
  it("the table of recommendations has a line for each, as long as its score, below what was said", () => {
    const text = renderRecommendations({
      transcript_excerpt: "One drop of water. ".repeat(8).trim(),
      recommendations: [
        { id: "a", title: "Melting Point", score: 200 },
        { id: "b", title: "Tide", score: 50.04 },
        { id: "c", title: "Dust", score: 0.1 },
      ],
    });
    expect(stripVTControlCharacters(text).split("\n")).toEqual([
      "What was said",
      "  One drop of water. One drop of water. One drop of water. One drop of water. One drop of",
      "  water. One drop of water. One drop of water. One drop of water.",
      "",
      "Recommended",
      "  1  Melting Point  ████████████████████   200.0",
      "  2  Tide           █████                   50.0",
      "  3  Dust           █                        0.1",
    ]);
  });

  it("the table of recommendations says so if nothing fits", () => {
    const text = renderRecommendations({ transcript_excerpt: "Hm.", recommendations: [] });
    expect(stripVTControlCharacters(text)).toMatch(/Nothing in the catalogue fits\.$/);
  });
});
