/** The small embedding of the example, beside the definition of the cosine. */
import { describe, expect, it } from "vitest";
import { DIMENSIONS, hashedWords } from "../../../templates/similar_items/src/pipelines/embedding.ts";

function cosine(one: readonly number[], other: readonly number[]): number {
  return one.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0);
}

describe("the vector of a text without a model", () => {
  it("the vector of a text without a model has the model's number of dimensions and the length 1", () => {
    const vector = hashedWords("The glacier melts");
    expect(vector).toHaveLength(DIMENSIONS);
    expect(Math.hypot(...vector)).toBeCloseTo(1, 12);
  });

  it("the vector of a text without a model is nearer to a text about the same than to another one, also with other endings of its words", () => {
    const ice = hashedWords("Glaciers are melting in the Alps");
    const same = cosine(ice, hashedWords("An Alpine glacier melts"));
    const other = cosine(ice, hashedWords("Tonight the orchestra plays Brahms"));
    expect(same).toBeGreaterThan(other + 0.1);
  });

  it("the vector of a text without a model does not depend on capitals, and is zero for a text without words", () => {
    expect(hashedWords("GLACIER ice")).toEqual(hashedWords("glacier ICE"));
    expect(hashedWords("– 1 2 …").every((value) => value === 0)).toBe(true);
  });
});
