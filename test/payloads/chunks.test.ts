import { describe, expect, it } from "vitest";
import { collect, withRoom } from "../../src/payloads/chunks.ts";
import { pieces } from "./streams.ts";

const MAX_BYTES = 1_000_000;

function streamOf(...sizes: number[]): ReadableStream<Uint8Array> {
  return pieces(...sizes.map((size, index) => new Uint8Array(size).fill(index + 1))).stream;
}

describe("a stream that is read whole", () => {
  it.each<[string, number[], number | null]>([
    ["nothing", [], null],
    ["nothing, as declared", [], 0],
    ["one chunk", [5], null],
    ["small chunks", [1, 2, 3], 6],
    ["chunks around the first step", [65_535, 1, 1, 200_000, 0, 7], null],
    ["as many bytes as are taken", [400_000, 600_000], null],
    ["as many bytes as are taken, declared", [1, 999_999], 1_000_000],
    ["fewer than declared", [10, 20], 500_000],
  ])("a stream that is read whole comes out as it came: %s", async (_, sizes, declared) => {
    const seen: number[] = [];
    const bytes = await collect(streamOf(...sizes), MAX_BYTES, declared, (chunk) => void seen.push(chunk.length));
    const expected = Buffer.concat(sizes.map((size, index) => Buffer.alloc(size, index + 1)));
    expect(Buffer.compare(bytes ?? Buffer.from("none"), expected)).toBe(0);
    // Nothing lies behind the bytes that are kept.
    expect(bytes?.buffer.byteLength).toBe(expected.length);
    expect(seen).toEqual(sizes);
  });

  it.each<[string, number[], number | null]>([
    ["more than are taken", [500_000, 500_001], null],
    ["more than are declared", [10, 1], 10],
    ["a declaration of more than are taken", [1], MAX_BYTES + 1],
  ])("a stream that is read whole is null for %s", async (_, sizes, declared) => {
    expect(await collect(streamOf(...sizes), MAX_BYTES, declared)).toBeNull();
  });
});

it("room for bytes comes in steps of twice as much, and never beyond what may come", () => {
  const steps: number[] = [];
  let bytes = new Uint8Array(0);
  for (let needed = 1; needed <= MAX_BYTES; needed += 999) {
    bytes = withRoom(bytes, needed, MAX_BYTES);
    if (steps.at(-1) !== bytes.length) steps.push(bytes.length);
  }
  expect(steps).toEqual([65_536, 131_072, 262_144, 524_288, 1_000_000]);
  expect(withRoom(new Uint8Array(0), 10, 20)).toHaveLength(20);
  expect(withRoom(new Uint8Array(0), 300_000, 400_000)).toHaveLength(300_000);
});
