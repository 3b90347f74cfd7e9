import { describe, expect, it } from "vitest";
import {
  BLOCK_SLOTS,
  boundRank,
  emptyBlock,
  isFree,
  lengthOf,
  METRICS,
  productsOf,
  quantize,
  rankOf,
  scoreOf,
} from "../../../src/domain/vectors/quantized.ts";
import { fc } from "../../support/property.ts";

/** Components of ordinary and of extreme sizes, as Float32 holds them. */
const component = fc.oneof(
  fc.float({ min: -1, max: 1, noNaN: true }),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, 1e-45, -1e-45, 3.4e38, -3.4e38, 1, 127, 1 / 127),
);

function vectorsOf(dimensions: number): fc.Arbitrary<Float32Array[]> {
  const vector = fc
    .array(component, { minLength: dimensions, maxLength: dimensions })
    .map((components) => Float32Array.from(components))
    .filter((components) => components.some((one) => one !== 0));
  return fc.array(vector, { minLength: 2, maxLength: 9 });
}

const sets = fc.integer({ min: 1, max: 40 }).chain(vectorsOf);

describe("the codes of vectors", () => {
  it.each(METRICS)("the codes of vectors bound the exact rank of each vector from both sides: %s", (metric) => {
    fc.assert(
      fc.property(sets, ([first = new Float32Array(1), ...vectors]) => {
        const query = Float64Array.from(first);
        const length = lengthOf(query);
        const block = emptyBlock(query.length);
        for (const [slot, vector] of vectors.entries()) quantize(block, slot, vector);
        const products = new Float64Array(BLOCK_SLOTS);
        productsOf(block.codes, query, products);
        const bounds = { least: 0, greatest: 0 };
        for (const [slot, vector] of vectors.entries()) {
          boundRank(metric, block, slot, products[slot] ?? 0, length, bounds);
          const rank = rankOf(metric, scoreOf(metric, query, vector, length));
          expect(bounds.least).toBeLessThanOrEqual(rank);
          expect(bounds.greatest).toBeGreaterThanOrEqual(rank);
        }
      }),
      { numRuns: 400 },
    );
  });

  it("the codes of vectors of a usual kind leave few of them in doubt", () => {
    const dimensions = 384;
    const draw = (seed: number) => (_: unknown, index: number) => Math.sin(seed * 999 + index * index * 0.37);
    const block = emptyBlock(dimensions);
    const query = Float64Array.from(Float32Array.from({ length: dimensions }, draw(100)));
    for (let slot = 0; slot < BLOCK_SLOTS; slot += 1)
      quantize(block, slot, Float32Array.from({ length: dimensions }, draw(slot)));
    const products = new Float64Array(BLOCK_SLOTS);
    productsOf(block.codes, query, products);
    const bounds = { least: 0, greatest: 0 };
    for (let slot = 0; slot < BLOCK_SLOTS; slot += 1) {
      boundRank("cosine", block, slot, products[slot] ?? 0, lengthOf(query), bounds);
      expect(bounds.greatest - bounds.least).toBeLessThan(0.02);
    }
  });

  it("the codes of an empty block are of free slots", () => {
    const block = emptyBlock(3);
    quantize(block, 5, Float32Array.of(1, 2, 3));
    const free = Array.from({ length: BLOCK_SLOTS }, (_, slot) => isFree(block, slot));
    expect(free.flatMap((one, slot) => (one ? [] : [slot]))).toEqual([5]);
  });
});
