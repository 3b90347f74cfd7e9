/**
 * A stand-in for a binding of Cloudflare Vectorize, which the local runtime does not have. It has the shapes, defaults and limits that
 * Cloudflare publishes for the binding (Vectorize API for Workers; limits; November 2026), and searches in memory, exactly. It shows that
 * code calls the binding as published. It shows nothing of the service itself: neither its recall nor its times.
 */

/** The part of the binding that pipelines use. */
export type VectorizeBinding = Pick<Vectorize, "query" | "upsert" | "getByIds" | "deleteByIds">;

const MOST_AT_ONCE = 1_000;
const MOST_MATCHES = 100;
/** With values, or with all metadata. */
const MOST_WHOLE_MATCHES = 20;
const DEFAULT_MATCHES = 5;
const MOST_ID_BYTES = 64;
const MOST_METADATA_BYTES = 10 * 1024;

const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

/** An index of unit vectors under the cosine. A change is seen by queries once `settle` was called, as it is seconds later in the service. */
export class VectorizeStandIn implements VectorizeBinding {
  readonly #dimensions: number;
  readonly #vectors = new Map<string, VectorizeVector>();
  #pending: (() => void)[] = [];
  #mutations = 0;

  constructor(dimensions: number) {
    this.#dimensions = dimensions;
  }

  async upsert(vectors: VectorizeVector[]): Promise<VectorizeAsyncMutation> {
    if (vectors.length === 0 || vectors.length > MOST_AT_ONCE)
      throw new Error(`an upsert has 1 to ${MOST_AT_ONCE} vectors, given ${vectors.length}`);
    for (const { id, values, metadata = {} } of vectors) {
      if (bytesOf(id) > MOST_ID_BYTES) throw new Error(`an id has at most ${MOST_ID_BYTES} bytes: ${id}`);
      if (values.length !== this.#dimensions)
        throw new Error(`the index has ${this.#dimensions} dimensions, given ${values.length}`);
      if (bytesOf(JSON.stringify(metadata)) > MOST_METADATA_BYTES)
        throw new Error(`metadata has at most ${MOST_METADATA_BYTES} bytes: ${id}`);
    }
    // Metadata and values are replaced as a whole, and values are kept in 32 bits.
    const kept = structuredClone(vectors).map((one) => ({ ...one, values: Array.from(Float32Array.from(one.values)) }));
    return this.#later(() => kept.forEach((one) => this.#vectors.set(one.id, one)));
  }

  async deleteByIds(ids: string[]): Promise<VectorizeAsyncMutation> {
    return this.#later(() => ids.forEach((id) => this.#vectors.delete(id)));
  }

  async getByIds(ids: string[]): Promise<VectorizeVector[]> {
    return structuredClone(ids.flatMap((id) => this.#vectors.get(id) ?? []));
  }

  async query(
    vector: VectorFloatArray | number[],
    { topK = DEFAULT_MATCHES, returnValues = false, returnMetadata = "none", ...others }: VectorizeQueryOptions = {},
  ): Promise<VectorizeMatches> {
    if (Object.keys(others).length > 0) throw new Error("this stand-in has neither namespaces nor filters");
    if (vector.length !== this.#dimensions)
      throw new Error(`the index has ${this.#dimensions} dimensions, given ${vector.length}`);
    const isWhole = returnMetadata === "all" || returnMetadata === true;
    const most = returnValues || isWhole ? MOST_WHOLE_MATCHES : MOST_MATCHES;
    if (!Number.isInteger(topK) || topK < 1 || topK > most) throw new Error(`topK is 1 to ${most}, given ${topK}`);
    const matches = [...this.#vectors.values()]
      .map(({ id, values, metadata }) => ({
        id,
        score: Array.from(values).reduce((sum, value, place) => sum + value * (vector[place] ?? 0), 0),
        ...(returnValues && { values }),
        ...(isWhole && metadata !== undefined && { metadata }),
      }))
      .toSorted((left, right) => right.score - left.score)
      .slice(0, topK);
    return { matches: structuredClone(matches), count: matches.length };
  }

  /** Shows queries what was changed. */
  settle(): void {
    for (const change of this.#pending.splice(0)) change();
  }

  #later(change: () => void): VectorizeAsyncMutation {
    this.#pending.push(change);
    this.#mutations += 1;
    return { mutationId: String(this.#mutations) };
  }
}
