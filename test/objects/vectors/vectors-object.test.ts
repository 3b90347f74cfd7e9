import { driven } from "../../support/driven-object.ts";
import { env } from "../../support/env.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { MetadataFilter } from "../../../src/domain/vectors/metadata-filter.ts";
import { METRICS, type Metric } from "../../../src/domain/vectors/quantized.ts";
import { vectors, type VectorItem, type VectorsOptions, type VectorsStore } from "../../../src/stores/stores.ts";
import { callHook } from "../../support/deployed.ts";
import { makeNewer } from "../../support/newer-tables.ts";

const AT = Date.UTC(2027, 0, 1);
const MINUTE = 60_000;

let indexes = 0;
function newName(): string {
  return `index-${(indexes += 1)}`;
}

/** Runs `work` as an endpoint. */
async function inEndpoint<T>(work: () => Promise<T>): Promise<T> {
  const results: T[] = [];
  await callHook(async () => void results.push(await work()));
  const [result] = results;
  if (results.length === 0) throw new Error("the endpoint has no result");
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return result as T;
}

/** An index of its own, each of whose calls is made in an endpoint. */
function open(options: VectorsOptions, name = newName()): VectorsStore {
  const index = vectors(name, options);
  return {
    upsert: (items) => inEndpoint(() => index.upsert(items)),
    query: (vector, given) => inEndpoint(() => index.query(vector, given)),
    delete: (ids) => inEndpoint(() => index.delete(ids)),
    replace: (items) => inEndpoint(() => index.replace(items)),
  };
}

function objectOf(name: string) {
  return env.PEACH_VECTORS.getByName(name);
}

/** Numbers that look random, and are the same in each run: small integers, so that many scores tie. */
function draw(seed: number): (this: void) => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return ((state >>> 16) % 7) - 3;
  };
}

function itemsOf(count: number, dimensions: number, seed = 1): VectorItem[] {
  const next = draw(seed);
  return Array.from({ length: count }, (_, number) => {
    const vector: number[] = Array.from({ length: dimensions }, next);
    if (!vector.some((one) => one !== 0)) vector[0] = 1;
    return {
      id: `item-${String((number * 7) % count).padStart(4, "0")}`,
      vector,
      metadata: { lang: number % 3 === 0 ? "de" : "en", number },
    };
  });
}

/** Searches by comparing with every item: computed apart from the code under test. */
function bruteForce(
  items: readonly VectorItem[],
  query: readonly number[],
  metric: Metric,
  limit: number,
): { readonly id: string; readonly score: number }[] {
  const dot = (one: ArrayLike<number>, other: ArrayLike<number>): number =>
    Array.from(one, (value, index) => value * (other[index] ?? 0)).reduce((sum, value) => sum + value, 0);
  const distance = (one: ArrayLike<number>, other: ArrayLike<number>): number =>
    Math.sqrt(
      Array.from(one, (value, index) => (value - (other[index] ?? 0)) ** 2).reduce((sum, value) => sum + value, 0),
    );
  const score = (vector: ArrayLike<number>): number => {
    if (metric === "euclidean") return distance(query, vector);
    if (metric === "dot") return dot(query, vector);
    return dot(query, vector) / (Math.sqrt(dot(query, query)) * Math.sqrt(dot(vector, vector)));
  };
  return items
    .map(({ id, vector }) => ({ id, score: score(vector) }))
    .toSorted((one, other) => {
      const better = metric === "euclidean" ? one.score - other.score : other.score - one.score;
      return better !== 0 ? better : one.id < other.id ? -1 : 1;
    })
    .slice(0, limit);
}

async function* slowly(items: readonly VectorItem[]): AsyncGenerator<VectorItem> {
  for (const item of items) {
    await Promise.resolve();
    yield item;
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: AT });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("a query of an index of vectors", () => {
  it.each(METRICS)(
    "a query of an index of vectors finds what comparing with every vector finds, ties included: %s",
    async (metric) => {
      const dimensions = 5;
      const items = itemsOf(400, dimensions);
      const index = open({ dimensions, metric });
      await index.upsert(items);
      const next = draw(99);
      for (let round = 0; round < 20; round += 1) {
        const query: number[] = Array.from({ length: dimensions }, next);
        if (!query.some((one) => one !== 0)) query[0] = 1;
        for (const limit of [1, 10, 150, 1_000]) {
          const found = await index.query(query, { limit });
          expect(found.map(({ id, score }) => ({ id, score }))).toEqual(bruteForce(items, query, metric, limit));
        }
      }
    },
  );

  it("a query of an index of vectors stays exact where all vectors lie close together", async () => {
    const dimensions = 16;
    const items = itemsOf(200, dimensions).map(({ id, vector }) => ({
      id,
      vector: Float32Array.from(vector, (one) => 1 + one * 1e-6),
    }));
    const index = open({ dimensions });
    await index.upsert(items);
    const query = Array.from({ length: dimensions }, (_, place) => 1 + place);
    const found = await index.query(query, { limit: 20 });
    expect(found.map(({ id, score }) => ({ id, score }))).toEqual(bruteForce(items, query, "cosine", 20));
  });

  it.each(["dot", "euclidean"] as const)(
    "a query of an index of vectors orders zero vectors, whose bounds are their scores, by id: %s",
    async (metric) => {
      const index = open({ dimensions: 2, metric });
      const ids = Array.from(
        { length: 150 },
        (_, number) => `item-${String((number * 77 + 5) % 150).padStart(3, "0")}`,
      );
      await index.upsert(ids.map((id) => ({ id, vector: [0, 0] })));
      const found = await index.query(metric === "dot" ? [1, 2] : [0, 0], { limit: 4 });
      expect(found.map(({ id, score }) => [id, score])).toEqual([
        ["item-000", 0],
        ["item-001", 0],
        ["item-002", 0],
        ["item-003", 0],
      ]);
    },
  );

  it("a query of an index of vectors is the same after the object was evicted", async () => {
    const name = newName();
    const index = open({ dimensions: 5 }, name);
    await index.upsert(itemsOf(100, 5));
    const before = await index.query([1, 2, 3, 4, 5]);
    await driven(objectOf(name)).evict();
    expect(await index.query([1, 2, 3, 4, 5])).toEqual(before);
    expect(before).toHaveLength(10);
  });

  it("a query of an index of vectors brings the metadata, or null", async () => {
    const index = open({ dimensions: 2 });
    await index.upsert([
      { id: "a", vector: [1, 0], metadata: { title: "A", live: true, year: 2024, series: null } },
      { id: "b", vector: [0, 1] },
    ]);
    expect(await index.query([1, 0])).toEqual([
      { id: "a", score: 1, metadata: { title: "A", live: true, year: 2024, series: null } },
      { id: "b", score: 0, metadata: null },
    ]);
  });

  it("a query of an index of vectors with a filter finds the nearest among the items that it allows, also after a change", async () => {
    const dimensions = 5;
    const items = itemsOf(300, dimensions);
    const index = open({ dimensions, metric: "dot" });
    await index.upsert(items);
    const filter: MetadataFilter = { lang: "de", number: { gte: 30, lt: 250 } };
    const allowed = items.filter((_, number) => number % 3 === 0 && number >= 30 && number < 250);
    const query = [3, 1, -2, 0, 1];
    for (let round = 0; round < 2; round += 1) {
      const found = await index.query(query, { limit: 7, filter });
      expect(found.map(({ id, score }) => ({ id, score }))).toEqual(bruteForce(allowed, query, "dot", 7));
    }
    const best = { id: "new", vector: [9, 9, -9, 9, 9], metadata: { lang: "de", number: 100 } };
    await index.upsert([best]);
    expect((await index.query(query, { limit: 1, filter }))[0]?.id).toBe("new");
  });

  it("a query of an index that does not exist finds nothing, and makes no tables", async () => {
    const name = newName();
    expect(await open({ dimensions: 3 }, name).query([1, 2, 3])).toEqual([]);
    await driven(objectOf(name)).inside(({ storage }) => {
      expect(storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'generations'").toArray()).toEqual([]);
    });
  });

  it("a query of an index of vectors reads few of the rows that hold vectors", async () => {
    const dimensions = 32;
    const name = newName();
    const index = open({ dimensions }, name);
    const items = Array.from({ length: 64 * 30 }, (_, number) => ({
      id: `item-${number}`,
      vector: Array.from({ length: dimensions }, (_, place) =>
        Math.sin(number * 12.9898 + place * 78.233 * (number + 1)),
      ),
    }));
    await index.replace(items);
    await index.query(items[5]?.vector ?? []);
    const read = await driven(objectOf(name)).inside(async ({ storage }) => {
      const all = vi.spyOn(storage.sql, "exec");
      await index.query(items[7]?.vector ?? [], { limit: 3 });
      return all.mock.calls.filter(([query]) => query.includes("SELECT ids, vectors")).length;
    });
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(10);
  });
});

describe("a change of an index of vectors", () => {
  it("a change of an index of vectors replaces an item of the same id, and the last of equal ids counts", async () => {
    const index = open({ dimensions: 2, metric: "dot" });
    await index.upsert([
      { id: "a", vector: [1, 0] },
      { id: "b", vector: [2, 0] },
    ]);
    await index.upsert([
      { id: "a", vector: [5, 0] },
      { id: "a", vector: [3, 0] },
    ]);
    expect((await index.query([1, 0])).map(({ id, score }) => [id, score])).toEqual([
      ["a", 3],
      ["b", 2],
    ]);
  });

  it("a change of an index of vectors is the same as of a map, whatever is inserted and deleted", async () => {
    const dimensions = 3;
    const name = newName();
    const index = open({ dimensions, metric: "euclidean" }, name);
    const kept = new Map<string, VectorItem>();
    const next = draw(5);
    for (let round = 0; round < 12; round += 1) {
      const items = itemsOf(90, dimensions, round + 2).slice(0, 60 + round);
      await index.upsert(items);
      for (const item of items) kept.set(item.id, item);
      const gone = [...kept.keys()].filter((_, place) => (place + round) % 3 === 0);
      expect(await index.delete([...gone, "unknown", ...gone])).toBe(gone.length);
      for (const id of gone) kept.delete(id);
      if (round === 6) await driven(objectOf(name)).evict();
      const query: number[] = Array.from({ length: dimensions }, next);
      const found = await index.query(query, { limit: 1_000 });
      expect(found.map(({ id, score }) => ({ id, score }))).toEqual(
        bruteForce([...kept.values()], query, "euclidean", 1_000),
      );
    }
    const blocks = await driven(objectOf(name)).inside(({ storage }) =>
      storage.sql.exec("SELECT count(*) AS blocks FROM blocks").one(),
    );
    // The slots of deleted items are used again: 90 ids are at most in two blocks of 64.
    expect(blocks).toEqual({ blocks: 2 });
  });

  it.each([
    ["a vector of other dimensions", { id: "x", vector: [1, 2] }, '"x" has 2 components, not 3'],
    ["NaN", { id: "x", vector: [1, Number.NaN, 0] }, '"x" has the component NaN'],
    ["a number beyond 32 bits", { id: "x", vector: [1e39, 0, 0] }, '"x" has the component 1e+39'],
    ["a zero vector", { id: "x", vector: [0, 0, 1e-50] }, '"x" is zero, and has no direction'],
    ["an empty id", { id: "", vector: [1, 2, 3] }, '"" is no id'],
    ["a long id", { id: "ü".repeat(129), vector: [1, 2, 3] }, "1 to 256 bytes"],
    [
      "large metadata",
      { id: "x", vector: [1, 2, 3], metadata: { text: "y".repeat(2_048) } },
      "at most 2048 are possible",
    ],
    ["deep metadata", { id: "x", vector: [1, 2, 3], metadata: { text: ["y"] } }, "no flat object"],
  ])("a change of an index of vectors refuses %s, and changes nothing", async (_, item, reason) => {
    const index = open({ dimensions: 3 });
    // oxlint-disable-next-line typescript/consistent-type-assertions
    const changed = index.upsert([{ id: "good", vector: [1, 2, 3] }, item as VectorItem]);
    await expect(changed).rejects.toMatchObject({ name: "NonRetryableError", store: "vectors", code: "invalid" });
    await expect(changed).rejects.toThrow(reason);
    expect(await index.query([1, 2, 3])).toEqual([]);
  });

  it("a change of an index of vectors names every item that it refuses", async () => {
    const wrong = Array.from({ length: 25 }, (_, number) => ({ id: `w${number}`, vector: [1] }));
    const changed = open({ dimensions: 3 }).upsert(wrong);
    await expect(changed).rejects.toThrow(/"w0" has.*"w19" has 1 components, not 3 and 5 more$/);
  });

  it("a zero vector is an ordinary point for the distance and the product", async () => {
    const index = open({ dimensions: 2, metric: "euclidean" });
    await index.upsert([{ id: "origin", vector: [0, 0] }]);
    expect(await index.query([0, 0])).toEqual([{ id: "origin", score: 0, metadata: null }]);
  });

  it("a change of an index of vectors with another metric or other dimensions is refused, and a query too", async () => {
    const name = newName();
    await open({ dimensions: 3 }, name).upsert([{ id: "a", vector: [1, 2, 3] }]);
    const other = open({ dimensions: 2 }, name);
    const refused = { name: "NonRetryableError", code: "other_shape" };
    await expect(other.upsert([{ id: "b", vector: [1, 2] }])).rejects.toMatchObject(refused);
    await expect(other.query([1, 2])).rejects.toThrow("has 3 dimensions and the metric cosine, not 2 and cosine");
    await expect(open({ dimensions: 3, metric: "dot" }, name).delete(["a"])).rejects.toMatchObject(refused);
  });

  it("a change of an index of vectors beyond its limit is refused as a whole", async () => {
    // 4,096 components a vector: 9,375 vectors are the most.
    const shape = { metric: "dot", dimensions: 4_096 } as const;
    const ids = Array.from({ length: 64 }, (_, number) => `item-${number}`);
    const batch = { ids, vectors: new Uint8Array(64 * 4_096 * 4), metadata: ids.map(() => null) };
    const object = objectOf(newName());
    expect(await object.addToReplacement(shape, "full", 9_344, batch)).toEqual({
      ok: false,
      refusal: { code: "too_many_vectors", most: 9_375 },
    });
    // It is as long as it may be, and no further.
    expect(await object.addToReplacement(shape, "full", 0, batch)).toMatchObject({ ok: true });
  });
});

describe("a query with a wrong argument", () => {
  const index = open({ dimensions: 2 });
  it.each([
    ["a limit of 0", () => index.query([1, 0], { limit: 0 }), "limit is a whole number from 1 to 1000"],
    ["a limit above 1,000", () => index.query([1, 0], { limit: 1_001 }), "from 1 to 1000"],
    ["a vector of other dimensions", () => index.query([1]), "the vector of the query has 1 components, not 2"],
    ["a zero vector", () => index.query([0, 0]), "is zero"],
    [
      "an unknown condition",
      // oxlint-disable-next-line typescript/consistent-type-assertions
      () => index.query([1, 0], { filter: { a: { like: "x" } } as never }),
      "filter.a has the unknown",
    ],
  ])("a query with a wrong argument is refused: %s", async (_, call, reason) => {
    await expect(call()).rejects.toThrow(reason);
  });

  it.each([
    ["a name with a space", () => vectors("a b", { dimensions: 3 }), "is no name of an index"],
    ["no dimensions", () => vectors("a", { dimensions: 0 }), "from 1 to 4096"],
    // oxlint-disable-next-line typescript/consistent-type-assertions
    ["an unknown metric", () => vectors("a", { dimensions: 3, metric: "l1" as never }), "metric is cosine, dot"],
  ])("an index with %s is refused where it is named", (_, make, reason) => {
    expect(make).toThrow(reason);
  });
});

describe("a replacement of an index of vectors", () => {
  it("a replacement of an index of vectors is seen at once and whole: queries meanwhile see the old index", async () => {
    const index = open({ dimensions: 3 });
    await index.replace(itemsOf(70, 3).map(({ vector }, number) => ({ id: `old-${number}`, vector })));
    const seen: string[] = [];
    const items = itemsOf(500, 3).map(({ vector }, number) => ({ id: `new-${number}`, vector }));
    async function* asked(): AsyncGenerator<VectorItem> {
      for (const [number, item] of items.entries()) {
        if (number % 100 === 0) {
          const found = await index.query([1, 2, 3], { limit: 1_000 });
          seen.push(`${found.length} ${found.every(({ id }) => id.startsWith("old-"))}`);
        }
        yield item;
      }
    }
    expect(await index.replace(asked())).toBe(500);
    expect(seen).toEqual(["70 true", "70 true", "70 true", "70 true", "70 true"]);
    const found = await index.query([1, 2, 3], { limit: 1_000 });
    expect(found.map(({ id, score }) => ({ id, score }))).toEqual(bruteForce(items, [1, 2, 3], "cosine", 1_000));
  });

  it("a replacement of an index of vectors may have other dimensions and another metric", async () => {
    const name = newName();
    await open({ dimensions: 3 }, name).upsert([{ id: "a", vector: [1, 2, 3] }]);
    const index = open({ dimensions: 2, metric: "dot" }, name);
    expect(await index.replace(slowly([{ id: "b", vector: [1, 2] }]))).toBe(1);
    expect((await index.query([1, 1]))[0]).toMatchObject({ id: "b", score: 3 });
  });

  it("a replacement of an index of vectors by nothing leaves an empty index", async () => {
    const index = open({ dimensions: 2 });
    await index.upsert([{ id: "a", vector: [1, 2] }]);
    expect(await index.replace([])).toBe(0);
    expect(await index.query([1, 2])).toEqual([]);
  });

  it("a replaced index is deleted by the alarm, and the new one is changed and queried as before", async () => {
    const name = newName();
    const index = open({ dimensions: 3 }, name);
    await index.replace(itemsOf(200, 3));
    const items = itemsOf(130, 3, 8);
    await index.replace(items);
    for (let round = 0; round < 6; round += 1) await driven(objectOf(name)).wake();
    await driven(objectOf(name)).inside(async ({ storage }) => {
      expect(storage.sql.exec("SELECT count(*) AS blocks FROM blocks").one()).toEqual({ blocks: 3 });
      expect(storage.sql.exec("SELECT state FROM generations").toArray()).toEqual([{ state: "current" }]);
      expect(await storage.getAlarm()).toBeNull();
    });
    await index.upsert([{ id: "zz", vector: [1, 1, 1] }]);
    const found = await index.query([3, 1, 2], { limit: 1_000 });
    expect(found.map(({ id, score }) => ({ id, score }))).toEqual(
      bruteForce([...items, { id: "zz", vector: [1, 1, 1] }], [3, 1, 2], "cosine", 1_000),
    );
  });

  it("a replacement whose attempt dies half way leaves the old index, and is deleted 15 minutes later", async () => {
    const name = newName();
    const object = objectOf(name);
    const index = open({ dimensions: 3 }, name);
    await index.upsert([{ id: "old", vector: [1, 2, 3] }]);
    const shape = { metric: "cosine", dimensions: 3 } as const;
    const batch = { ids: ["new"], vectors: new Uint8Array(Float32Array.of(3, 2, 1).buffer), metadata: [null] };
    expect(await object.addToReplacement(shape, "dead", 0, batch)).toMatchObject({ ok: true });
    await driven(object).evict();

    vi.setSystemTime(AT + 14 * MINUTE);
    expect(await object.addToReplacement(shape, "slow", 0, batch)).toMatchObject({ ok: true });
    vi.setSystemTime(AT + 16 * MINUTE);
    for (let round = 0; round < 4; round += 1) await driven(object).wake();
    await driven(object).inside(({ storage }) => {
      const left = storage.sql.exec("SELECT replacement FROM generations WHERE state <> 'current'").toArray();
      expect(left).toEqual([{ replacement: "slow" }]);
      expect(storage.sql.exec("SELECT count(*) AS blocks FROM blocks").one()).toEqual({ blocks: 2 });
    });
    expect(await object.putInPlace("dead")).toEqual({ ok: false, refusal: { code: "replacement_gone" } });
    expect((await index.query([1, 2, 3])).map(({ id }) => id)).toEqual(["old"]);
    expect(await object.putInPlace("slow")).toMatchObject({ ok: true });
    // An answer that was lost is asked for again.
    expect(await object.putInPlace("slow")).toMatchObject({ ok: true });
    expect((await index.query([1, 2, 3])).map(({ id }) => id)).toEqual(["new"]);
  });

  it("a replacement whose items end with an error leaves nothing behind, not even an index", async () => {
    const name = newName();
    async function* broken(): AsyncGenerator<VectorItem> {
      yield* itemsOf(100, 3);
      await Promise.resolve();
      throw new Error("the source has failed");
    }
    await expect(open({ dimensions: 3 }, name).replace(broken())).rejects.toThrow("the source has failed");
    for (let round = 0; round < 3; round += 1) await driven(objectOf(name)).wake();
    await driven(objectOf(name)).inside(async ({ storage }) => {
      expect(storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'blocks'").toArray()).toEqual([]);
      expect(await storage.getAlarm()).toBeNull();
    });
  });

  it("a replacement with an id that comes twice, or with a wrong item, is refused", async () => {
    const index = open({ dimensions: 2 });
    const twice = [
      { id: "a", vector: [1, 2] },
      { id: "a", vector: [2, 1] },
    ];
    await expect(index.replace(slowly(twice))).rejects.toThrow('the id "a" is given twice');
    await expect(index.replace(slowly([{ id: "b", vector: [1] }]))).rejects.toThrow('"b" has 1 components');
    expect(await index.query([1, 2])).toEqual([]);
  });
});

describe("an index of vectors of newer code", () => {
  it("an index of vectors of newer code is refused and stays as it is", async () => {
    const name = newName();
    await open({ dimensions: 2 }, name).upsert([{ id: "a", vector: [1, 2] }]);
    await driven(objectOf(name)).inside(({ storage }) => makeNewer(storage));
    await driven(objectOf(name)).evict();
    await expect(open({ dimensions: 2 }, name).query([1, 2])).rejects.toMatchObject({
      name: "StoreError",
      store: "vectors",
    });
    await driven(objectOf(name)).inside(({ storage }) => {
      expect(storage.sql.exec("SELECT count(*) AS blocks FROM blocks").one()).toEqual({ blocks: 1 });
    });
  });
});
