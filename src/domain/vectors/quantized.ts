/**
 * Codes of vectors: a byte for each component, with a proven bound on the error. A search bounds
 * the score of every vector by the codes, and reads a vector only if the bound allows the vector
 * among the results. The results are exact therefore.
 *
 * A vector v is coded as v = scale × codes + rest. The length of the rest is stored. By
 * Cauchy-Schwarz, the product of a query q with the codes differs from the product with v by at
 * most |q| × |rest|. `ROUNDING` covers the rounding of double precision: the constant is above
 * 4,096 × 2^-53 for each of two sums.
 */

/** Vectors in a block, which is one row of the store. A multiple of four, see `productsOf`. */
export const BLOCK_SLOTS = 64;

/** Measures of similarity; for `euclidean` the score is a distance. */
export const METRICS = ["cosine", "dot", "euclidean"] as const;
export type Metric = (typeof METRICS)[number];

/** The kind of an index. All calls for an index have the same kind, except a replacement. */
export interface IndexShape {
  readonly metric: Metric;
  readonly dimensions: number;
}

/** Numbers of a vector beside the codes: see `QuantizedBlock`. */
const FACTS = 4;
/** The number of bytes of the facts of a block, by which a store checks a row. */
export const FACTS_BYTES = FACTS * BLOCK_SLOTS * Float64Array.BYTES_PER_ELEMENT;
const LARGEST_CODE = 127;
const ROUNDING = 2e-12;
/** Covers the rounding of the stored length of the rest. */
const ABOVE = 1 + 1e-9;

/** The codes of a block of vectors, as views of two stored buffers. */
export interface QuantizedBlock {
  readonly codes: Int8Array;
  /**
   * For each slot: scale, length of the rest, length of the vector, squared length of the codes.
   */
  readonly facts: Float64Array;
}

/** Marks a slot without a vector, in place of the vector's length. */
const FREE = -1;

/** Makes the codes of an empty block. */
export function emptyBlock(dimensions: number): QuantizedBlock {
  const facts = new Float64Array(FACTS * BLOCK_SLOTS);
  const block = { codes: new Int8Array(BLOCK_SLOTS * dimensions), facts };
  for (let slot = 0; slot < BLOCK_SLOTS; slot += 1) freeSlot(block, slot);
  return block;
}

/** Marks a slot as free. The codes stay and count for nothing. */
export function freeSlot({ facts }: QuantizedBlock, slot: number): void {
  facts.set([0, 0, FREE, 0], slot * FACTS);
}

/** Tests if a slot holds no vector. */
export function isFree({ facts }: QuantizedBlock, slot: number): boolean {
  return facts[slot * FACTS + 2] === FREE;
}

/**
 * Codes a vector into a slot. The scale fits the largest component, so a vector with few large
 * components has a longer rest than a vector of even components, and is read more often.
 */
export function quantize(block: QuantizedBlock, slot: number, vector: Float32Array): void {
  const { codes, facts } = block;
  const { length } = vector;
  const first = slot * length;
  let largest = 0;
  for (const component of vector) largest = Math.max(largest, Math.abs(component));
  const scale = largest / LARGEST_CODE;
  let rest = 0;
  let whole = 0;
  let coded = 0;
  for (let index = 0; index < length; index += 1) {
    const component = vector[index] ?? 0;
    const code = scale === 0 ? 0 : Math.round(component / scale);
    codes[first + index] = code;
    const kept = scale * code;
    rest += (component - kept) ** 2;
    whole += component ** 2;
    coded += kept ** 2;
  }
  facts.set([scale, Math.sqrt(rest), Math.sqrt(whole), coded], slot * FACTS);
}

/**
 * Multiplies a query with the codes of each vector of a block, and writes the sums into `products`.
 * Four vectors at once take half the time of four vectors in turn.
 */
export function productsOf(codes: Int8Array, query: Float64Array, products: Float64Array): void {
  const { length } = query;
  for (let slot = 0; slot < BLOCK_SLOTS; slot += 4) {
    const a = slot * length;
    const b = a + length;
    const c = b + length;
    const d = c + length;
    let [atA, atB, atC, atD] = [0, 0, 0, 0];
    for (let index = 0; index < length; index += 1) {
      const component = query[index] ?? 0;
      atA += component * (codes[a + index] ?? 0);
      atB += component * (codes[b + index] ?? 0);
      atC += component * (codes[c + index] ?? 0);
      atD += component * (codes[d + index] ?? 0);
    }
    products[slot] = atA;
    products[slot + 1] = atB;
    products[slot + 2] = atC;
    products[slot + 3] = atD;
  }
}

/** The least and the greatest rank that the vector of a slot can have: see `rankOf`. */
export interface RankBounds {
  least: number;
  greatest: number;
}

/**
 * Bounds the rank of the vector in a slot, which must not be free. `product`: the query times the
 * codes. `length`: the length of the query. Writes into `bounds`: a search bounds a hundred
 * thousand vectors, and makes no object for each.
 */
export function boundRank(
  metric: Metric,
  { facts }: QuantizedBlock,
  slot: number,
  product: number,
  length: number,
  bounds: RankBounds,
): void {
  const at = slot * FACTS;
  const near = (facts[at] ?? 0) * product;
  const rest = (facts[at + 1] ?? 0) * ABOVE;
  const whole = facts[at + 2] ?? 0;
  if (metric === "euclidean") {
    const coded = facts[at + 3] ?? 0;
    const squared = length ** 2 - 2 * near + coded;
    const unsure = ROUNDING * (length + Math.sqrt(coded)) ** 2;
    const far = (Math.sqrt(Math.max(0, squared) + unsure) + rest) * ABOVE;
    bounds.least = -far;
    bounds.greatest = -Math.max(0, (Math.sqrt(Math.max(0, squared - unsure)) - rest) / ABOVE);
    return;
  }
  const radius = length * (rest + ROUNDING * (whole + rest));
  if (metric === "dot") {
    bounds.least = near - radius;
    bounds.greatest = near + radius;
    return;
  }
  const divisor = length * whole;
  bounds.least = (near - radius) / divisor - ROUNDING;
  bounds.greatest = (near + radius) / divisor + ROUNDING;
}

/**
 * The score of a vector, exact up to double precision. The sum runs in the order of components.
 */
export function scoreOf(
  metric: Metric,
  query: Float64Array,
  vector: Float32Array,
  length: number,
): number {
  let sum = 0;
  let squares = 0;
  for (let index = 0; index < query.length; index += 1) {
    const [ours, theirs] = [query[index] ?? 0, vector[index] ?? 0];
    if (metric === "euclidean") sum += (ours - theirs) ** 2;
    else sum += ours * theirs;
    squares += theirs ** 2;
  }
  if (metric === "euclidean") return Math.sqrt(sum);
  return metric === "dot" ? sum : sum / (length * Math.sqrt(squares));
}

/** Ranks a score: the greater the better. */
export function rankOf(metric: Metric, score: number): number {
  return metric === "euclidean" ? -score : score;
}

/** Returns the length of a query. The sum runs in the order of components. */
export function lengthOf(query: Float64Array): number {
  let squares = 0;
  for (const component of query) squares += component ** 2;
  return Math.sqrt(squares);
}
