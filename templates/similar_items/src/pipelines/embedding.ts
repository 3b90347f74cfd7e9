/**
 * Vectors of texts. Workers AI makes them where wrangler.toml binds it as `AI`. Without it the
 * words of a text are hashed into a vector: texts that share words are near to each other, synonyms
 * are not. The two kinds of vectors are never compared, since each has an index of its own.
 */

/** The length of a vector: that of the model, so that both kinds are stored alike. */
export const DIMENSIONS = 384;
/** Shorter words, such as "the" and "and", say little of a subject. */
const MIN_WORD = 4;
const MODEL = "@cf/baai/bge-small-en-v1.5";

/** The name of the index for this deployment's kind of vectors. */
export function indexName(env: Env): string {
  return env.AI === undefined ? "items-hashed" : "items-bge-small";
}

/** Makes a vector of length 1 of each text. */
export async function embed(env: Env, texts: readonly string[]): Promise<number[][]> {
  if (env.AI === undefined) return texts.map(hashedWords);
  const answer = await env.AI.run(MODEL, { text: [...texts] });
  if (!("data" in answer) || answer.data?.length !== texts.length)
    throw new Error(`${MODEL} gave no vector for each of ${texts.length} texts`);
  return answer.data;
}

/**
 * Feature hashing: Weinberger, Dasgupta, Langford, Smola, Attenberg, "Feature hashing for large
 * scale multitask learning", ICML 2009. The features of a text are its words, and the groups of
 * three characters of each word, which bring `glacier` near `glaciers`. The highest bit of a
 * feature's hash is its sign, so that features that meet cancel out on average.
 */
export function hashedWords(text: string): number[] {
  const counts = new Map<string, number>();
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu)) {
    if (word.length < MIN_WORD) continue;
    count(counts, word, 1);
    const padded = `<${word}>`;
    for (let start = 0; start + 3 <= padded.length; start += 1) count(counts, padded.slice(start, start + 3), 0.3);
  }
  const vector = Array.from({ length: DIMENSIONS }, () => 0);
  for (const [feature, uses] of counts) {
    const hash = fnv1a(feature);
    const place = hash % DIMENSIONS;
    const sign = hash >>> 31 === 0 ? 1 : -1;
    // A frequent word counts more, but its weight grows slower than its frequency.
    vector[place] = (vector[place] ?? 0) + sign * Math.log1p(uses);
  }
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => value / length);
}

/** Fowler, Noll, Vo: FNV-1a, 32 bits, and the last steps of MurmurHash3, which mix its high bits. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function count(counts: Map<string, number>, key: string, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
