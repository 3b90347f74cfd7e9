import { env } from "../support/env.ts";
import { fc } from "../support/property.ts";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ArrayItems } from "../../src/payloads/array-items.ts";
import { ArrayIndexes } from "../../src/payloads/array-indexes.ts";
import { ArrayReader } from "../../src/payloads/array-reader.ts";
import { hearingFailures } from "../../src/platform/calls.ts";
import { FailingBucket } from "./failing-bucket.ts";
import { ArrayScanner } from "../../src/payloads/array-scanner.ts";
import type { LeasePayload } from "../../src/domain/payload.ts";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const nobody = (): Promise<never> => Promise.reject(new Error("nothing is held"));

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The array in R2, under a key of its own. */
async function stored(key: string, text: string): Promise<LeasePayload> {
  await env.PAYLOADS.put(key, text);
  return { kind: "json", contentType: "application/json", at: "r2", key, size: bytesOf(text).length };
}

async function valueAt(reader: ArrayReader, array: LeasePayload, index: number): Promise<unknown> {
  return JSON.parse(new TextDecoder().decode(await reader.item("test", array, index, nobody)));
}

it("an item above 32 MB is refused, and its neighbours are read", async () => {
  const array = await stored("runs/x/large-item", `[1, "${"x".repeat(33_554_431)}", 3]`);
  const reader = new ArrayReader(env.PAYLOADS);
  expect(await valueAt(reader, array, 0)).toBe(1);
  await expect(async () => reader.item("test", array, 1, nobody)).rejects.toMatchObject({
    problem: { code: "payload_too_large", detail: expect.stringContaining("Item 1 of the array has 33554434 bytes") },
  });
  expect(await valueAt(reader, array, 2)).toBe(3);
});

describe("the items of an array", () => {
  it("the items of an array are found in any JSON, however it is written and in whatever chunks it comes", () => {
    const space = fc.constantFrom("", " ", "\n\t ");
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), space, fc.integer({ min: 1, max: 40 }), (items, between, size) => {
        const text = `${between}[${items.map((item) => between + JSON.stringify(item, null, between) + between).join(",")}]`;
        const bytes = bytesOf(text);
        const scanner = new ArrayScanner();
        for (let at = 0; at < bytes.length; at += size) scanner.push(bytes.subarray(at, at + size));
        const found = items.map((_, index): unknown => {
          const { begin, end } = scanner.range(index) ?? { begin: 0, end: 0 };
          return JSON.parse(new TextDecoder().decode(bytes.subarray(begin, end)));
        });
        expect(found).toEqual(JSON.parse(JSON.stringify(items)));
        const passing = new ArrayItems();
        const passed: unknown[] = [];
        for (let at = 0; at < bytes.length; at += size) passed.push(...passing.push(bytes.slice(at, at + size)));
        expect([...passed, ...passing.end()]).toEqual(found);
      }),
    );
  });

  it("the items of an array are read one by one, from R2 at once for all of them", async () => {
    const get = vi.spyOn(env.PAYLOADS, "get");
    const array = await stored("array-small", '[1, "two", {"n": [3]}]');
    const reader = new ArrayReader(env.PAYLOADS);
    expect(await Promise.all([2, 0, 1].map((index) => valueAt(reader, array, index)))).toEqual([{ n: [3] }, 1, "two"]);
    expect(get).toHaveBeenCalledTimes(1);
  });

  it("the items of an array of a large array are fetched a few at a time", async () => {
    const items = Array.from({ length: 120 }, (_, n) => ({ n, pad: `ü,]"${"p".repeat(50_000)}` }));
    const array = await stored("array-large", JSON.stringify(items));
    const get = vi.spyOn(env.PAYLOADS, "get");
    const reader = new ArrayReader(env.PAYLOADS);
    for (const index of [0, 1, 2, 119, 30, 31]) expect(await valueAt(reader, array, index)).toEqual(items[index]);
    // Once to find them, and a block each for 0 to 2, for 119, and for 30 to 31.
    expect(get).toHaveBeenCalledTimes(4);
  });

  it("the items of an array are looked for once, for all readers that share what was found", async () => {
    const indexes = new ArrayIndexes();
    const items = Array.from({ length: 120 }, (_, n) => `${n}${"p".repeat(50_000)}`);
    const array = await stored("array-shared", JSON.stringify(items));
    expect(await valueAt(new ArrayReader(env.PAYLOADS, indexes), array, 0)).toBe(items[0]);
    const get = vi.spyOn(env.PAYLOADS, "get");
    const reader = new ArrayReader(env.PAYLOADS, indexes);
    for (const index of [1, 3, 5]) expect(await valueAt(reader, array, index)).toBe(items[index]);
    // The five items that fit 256 KB, each of 50,003 bytes.
    expect(get.mock.calls).toEqual([["array-shared", { range: { offset: 50_005, length: 250_019 } }]]);
  });

  it("the items of an array are looked for again after R2 has failed", async () => {
    const array = await stored("array-late", "[7]");
    await env.PAYLOADS.delete("array-late");
    const reader = new ArrayReader(env.PAYLOADS);
    await expect(reader.item("test", array, 0, nobody)).rejects.toThrow("not in the payload bucket");
    await stored("array-late", "[7]");
    expect(await valueAt(reader, array, 0)).toBe(7);
  });

  it("the items of an array are looked for again by the next reader where the first look failed in the middle", async () => {
    const indexes = new ArrayIndexes();
    const items = Array.from({ length: 120 }, (_, n) => `${n}${"p".repeat(50_000)}`);
    const array = await stored("array-cut", JSON.stringify(items));
    const failing = new ArrayReader(env.PAYLOADS, indexes);
    vi.spyOn(ArrayScanner.prototype, "push").mockImplementationOnce(() => {
      throw new Error("in the middle");
    });
    await expect(failing.item("test", array, 0, nobody)).rejects.toThrow("in the middle");
    expect(await valueAt(new ArrayReader(env.PAYLOADS, indexes), array, 119)).toBe(items[119]);
  });

  it("the items of an array are waited for by attempts that each hear of a failed read: those before it, and those that come while it is retried", async () => {
    const { bucket } = new FailingBucket(env.PAYLOADS, { call: "get", times: 1, when: "before" });
    const retry = Promise.withResolvers<void>();
    const failed = Promise.withResolvers<void>();
    vi.stubGlobal("scheduler", {
      wait: () => {
        failed.resolve();
        return retry.promise;
      },
    });
    const array = await stored("array-heard", "[1, 2, 3, 4]");
    const reader = new ArrayReader(bucket);
    const heard: number[] = [];
    const read = (index: number): Promise<unknown> =>
      hearingFailures(
        () => heard.push(index),
        () => valueAt(reader, array, index),
      );
    const before = [read(0), read(1)];
    await failed.promise;
    expect(heard).toEqual([0, 1]);
    const meanwhile = read(2);
    expect(heard).toEqual([0, 1, 2]);
    retry.resolve();
    expect(await Promise.all([...before, meanwhile])).toEqual([1, 2, 3]);
    expect([await read(3), heard]).toEqual([4, [0, 1, 2]]);
  });
});
