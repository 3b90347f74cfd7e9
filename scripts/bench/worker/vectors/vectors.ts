/** An index of random vectors, for scripts/bench/vectors.ts. */
import { vectors, type VectorItem } from "peach/stores";

/** The size of the index. */
interface Size {
  readonly count: number;
  readonly dimensions: number;
}

/** Spreads the numbers of vectors over the seeds of generators. */
const SEED = 0x9e3779b9;

/** Draws numbers from -1 to 1 that are the same in each run (mulberry32). */
function drawn(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

/** Draws the vector of this number: the same vector in each run. */
function vectorOf(number: number, dimensions: number): Float32Array {
  const draw = drawn(Math.imul(number + 1, SEED));
  return Float32Array.from({ length: dimensions }, draw);
}

/** Makes an item, of which a third has the language of the filter. */
function itemOf(number: number, dimensions: number): VectorItem {
  const metadata = { lang: number % 3 === 0 ? "de" : "en", number };
  return { id: `item-${number}`, vector: vectorOf(number, dimensions), metadata };
}

/** Makes all items of an index, while the index takes them. */
function* items({ count, dimensions }: Size): Generator<VectorItem> {
  for (let number = 0; number < count; number += 1) yield itemOf(number, dimensions);
}

/** Builds the index. Returns the number of its vectors. */
export async function build(size: Size): Promise<number> {
  return vectors("bench", size).replace(items(size));
}

/** Reads `dimensions` and the number of the query from the URL. */
function asked(request: Request): { readonly dimensions: number; readonly vector: Float32Array } {
  const { searchParams } = new URL(request.url);
  const dimensions = Number(searchParams.get("dimensions"));
  const vector = vectorOf(-2 - Number(searchParams.get("number")), dimensions);
  return { dimensions, vector };
}

/** Finds the ten nearest items. */
export async function query(request: Request): Promise<unknown> {
  const { dimensions, vector } = asked(request);
  return vectors("bench", { dimensions }).query(vector, { limit: 10 });
}

/** Finds the ten nearest items of a third of all. */
export async function filtered(request: Request): Promise<unknown> {
  const { dimensions, vector } = asked(request);
  return vectors("bench", { dimensions }).query(vector, { limit: 10, filter: { lang: "de" } });
}

/** Replaces one vector. */
export async function change(request: Request): Promise<unknown> {
  const { dimensions, vector } = asked(request);
  const metadata = { lang: "de", number: 0 };
  await vectors("bench", { dimensions }).upsert([{ id: "item-0", vector, metadata }]);
  return {};
}
