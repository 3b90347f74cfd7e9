import { afterEach, describe, expect, it, vi } from "vitest";
import { env } from "../../support/env.ts";
import { vectors, type VectorItem } from "../../../src/stores/stores.ts";
import { VectorsObject } from "../../../src/objects/vectors/vectors-object.ts";
import { VectorsStore } from "../../../src/objects/vectors/store.ts";
import { callHook } from "../../support/deployed.ts";

afterEach(() => vi.restoreAllMocks());

/** Runs `work` as an endpoint, and returns what it returns or throws. */
async function inEndpoint(work: () => Promise<unknown>): Promise<unknown> {
  let result: unknown = null;
  const noted = async (): Promise<undefined> => {
    result = await work().catch((error: unknown) => error);
  };
  await callHook(noted);
  return result;
}

describe("a filter of an index of vectors", () => {
  it.each([
    ["is kept for the next query", "x", 1],
    ["is not kept where it is long: sixteen of them could fill the memory", "x".repeat(200), 2],
  ])("%s", async (_, text, reads) => {
    const index = vectors(`filters-${reads}`, { dimensions: 1, metric: "dot" });
    await inEndpoint(() => index.upsert([{ id: "a", vector: [1], metadata: { number: "1" } }]));
    const metadata = vi.spyOn(VectorsStore.prototype, "metadata");
    const filter = { number: { in: ["1", ...Array.from({ length: 999 }, (_item, number) => `${number}${text}`)] } };
    for (const limit of [1, 2])
      expect(await inEndpoint(() => index.query([1], { filter, limit }))).toMatchObject([{ id: "a" }]);
    expect(metadata).toHaveBeenCalledTimes(reads);
  });
});

describe("a change of an index of vectors", () => {
  it.each([384, 1_536, 4_096])(
    "a change of an index of vectors of %i dimensions has its blocks in the memory of the object at once",
    async (dimensions) => {
      const upserts = vi.spyOn(VectorsObject.prototype, "upsert");
      const deletions = vi.spyOn(VectorsObject.prototype, "deleteIds");
      const index = vectors(`large-vectors-${dimensions}`, { dimensions });
      const items = Array.from({ length: 300 }, (_, number) => ({
        id: `item-${number}`,
        vector: new Float32Array(dimensions).fill(number + 1),
      }));
      expect(await inEndpoint(() => index.upsert(items))).toBeUndefined();
      expect(await inEndpoint(() => index.delete(items.map(({ id }) => id)))).toBe(300);
      const sizes = [
        ...upserts.mock.calls.map(([, { ids }]) => ids.length),
        ...deletions.mock.calls.map(([, ids]) => ids.length),
      ];
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(600);
      // Each item may be in a block of its own: 64 vectors, and their codes.
      const bytes = Math.max(...sizes) * 64 * dimensions * 5;
      expect(bytes).toBeLessThanOrEqual(32_000_000);
    },
  );
});

describe("a replacement of an index of vectors", () => {
  it("a replacement of an index of vectors may have many small vectors, each with as much metadata as there can be", async () => {
    const index = vectors("small-vectors", { dimensions: 1, metric: "dot" });
    // 34 MB: the platform takes 32 MiB in one call.
    const count = 17_000;
    function* items(): Generator<VectorItem> {
      const text = "x".repeat(2_000);
      for (let number = 0; number < count; number += 1)
        yield { id: `item-${number}`, vector: [number], metadata: { text } };
    }
    expect(await inEndpoint(() => index.replace(items()))).toBe(count);
    expect(await inEndpoint(() => index.query([1], { limit: 1 }))).toMatchObject([
      { id: `item-${count - 1}`, score: count - 1 },
    ]);
  });

  it("a replacement of an index of vectors is whole also where its first call arrives once more after its last", async () => {
    const shape = { metric: "dot", dimensions: 1 } as const;
    const object = env.PEACH_VECTORS.getByName("late-call");
    const batch = (from: number, size: number) => ({
      ids: Array.from({ length: size }, (_, number) => `item-${from + number}`),
      vectors: new Uint8Array(Float32Array.from({ length: size }, (_, number) => from + number).buffer),
      metadata: Array.from({ length: size }, () => null),
    });
    const first = () => object.addToReplacement(shape, "r", 0, batch(0, 64));
    await first();
    await object.addToReplacement(shape, "r", 64, batch(64, 6));
    await object.putInPlace("r");
    await first();
    expect(await object.putInPlace("r")).toMatchObject({ ok: true });
    const query = { vector: new Uint8Array(Float32Array.of(1).buffer), limit: 1_000, filter: null };
    const found = await object.query(shape, query);
    expect(found.ok && found.value.length).toBe(70);
  });

  it("a replacement of an index of vectors that was put in place, and replaced since, is not put in place again by a repeated call", async () => {
    const shape = { metric: "dot", dimensions: 1 } as const;
    const object = env.PEACH_VECTORS.getByName("late-end");
    const only = (id: string) => ({
      ids: [id],
      vectors: new Uint8Array(Float32Array.of(1).buffer),
      metadata: [null],
    });
    const query = { vector: new Uint8Array(Float32Array.of(1).buffer), limit: 10, filter: null };
    const found = async () => {
      const answer = await object.query(shape, query);
      return answer.ok && answer.value.map(({ id }) => id);
    };
    const replace = async (id: string) => {
      await object.addToReplacement(shape, id, 0, only(id));
      return object.putInPlace(id);
    };
    await replace("first");
    await replace("second");
    // The caller takes it for a failure: its next attempt makes another replacement.
    expect(await object.putInPlace("first")).toEqual({ ok: false, refusal: { code: "replacement_gone" } });
    await object.dropReplacement("first");
    expect(await found()).toEqual(["second"]);
    await replace("third");
    expect(await found()).toEqual(["third"]);
  });

  it("a replacement of an index of vectors that fails does not wait for an object that is silent", async () => {
    const index = vectors("silent", { dimensions: 1 });
    // oxlint-disable-next-line typescript/consistent-type-assertions
    vi.spyOn(env.PEACH_VECTORS, "getByName").mockReturnValue({
      dropReplacement: () => new Promise(() => undefined),
    } as never);
    const wrong = await inEndpoint(() => index.replace([{ id: "a", vector: [1, 2] }]));
    expect(wrong).toMatchObject({ code: "invalid" });
  });
});
