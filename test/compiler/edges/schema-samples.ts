/** Leaves of random schemas, with inputs that they mostly accept. */
import { z } from "zod";

/** Numbers that a seed determines (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  below(count: number): number {
    return Math.floor(this.fraction() * count);
  }

  chance(share: number): boolean {
    return this.fraction() < share;
  }

  pick<T>(choices: readonly T[]): T {
    const [chosen] = choices.slice(this.below(choices.length)).map((choice) => ({ choice }));
    if (chosen === undefined) throw new Error("nothing to choose from");
    return chosen.choice;
  }
}

export const TEXTS = [
  "",
  " ",
  "a",
  "ab",
  "abc",
  "Abc",
  " a ",
  "a1",
  "10",
  "0",
  "-1.5",
  "true",
  "\ud800",
  "😀",
  "a\nb",
  "x".repeat(12),
  "__proto__",
];
export const NUMBERS = [
  0, -0, 1, -1, 2, 3, 5, 10, 12, 0.5, -2.5, 1e21, 9_007_199_254_740_991, 9_007_199_254_740_992, 1e-7, 100,
];
export const KEYS = ["a", "b", "c", "toString", "__proto__", "10"];
export const FORMATS: readonly {
  readonly code: string;
  readonly schema: () => z.ZodType;
  readonly values: readonly string[];
}[] = [
  { code: "z.email()", schema: () => z.email(), values: ["a@b.org", "x.y@example.com"] },
  { code: "z.uuid()", schema: () => z.uuid(), values: ["123e4567-e89b-12d3-a456-426614174000"] },
  { code: "z.url()", schema: () => z.url(), values: ["https://example.org/a", " https://example.org "] },
  { code: "z.iso.datetime()", schema: () => z.iso.datetime(), values: ["2026-11-29T10:00:00Z"] },
  { code: "z.iso.date()", schema: () => z.iso.date(), values: ["2026-11-29"] },
  { code: "z.ipv4()", schema: () => z.ipv4(), values: ["127.0.0.1"] },
  { code: "z.base64()", schema: () => z.base64(), values: ["YQ=="] },
  { code: "z.string().regex(/^a/)", schema: () => z.string().regex(/^a/), values: ["a", "abc"] },
  { code: 'z.string().startsWith("a")', schema: () => z.string().startsWith("a"), values: ["a", "abc"] },
  { code: 'z.string().includes("b")', schema: () => z.string().includes("b"), values: ["b", "abc"] },
  {
    code: "z.templateLiteral([z.number(), 'px'])",
    schema: () => z.templateLiteral([z.number(), "px"]),
    values: ["1px", "-2.5px"],
  },
];

/** Schemas whose values no payload can hold, or that only the two together decide. */
export const ODD: readonly {
  readonly code: string;
  readonly schema: () => z.ZodType;
  readonly values: readonly unknown[];
}[] = [
  { code: "z.date()", schema: () => z.date(), values: [new Date(0)] },
  { code: "z.bigint()", schema: () => z.bigint(), values: [1n] },
  { code: "z.nan()", schema: () => z.nan(), values: [Number.NaN] },
  { code: "z.undefined()", schema: () => z.undefined(), values: [undefined] },
  { code: "z.any()", schema: () => z.any(), values: [...TEXTS, ...NUMBERS, null, undefined, [], {}, { a: [1] }] },
  {
    code: "z.unknown()",
    schema: () => z.unknown(),
    values: [...TEXTS, ...NUMBERS, null, undefined, [], {}, { a: [1] }],
  },
  {
    code: "z.map(z.string(), z.number())",
    schema: () => z.map(z.string(), z.number()),
    values: [new Map([["a", 1]])],
  },
  { code: "z.set(z.string())", schema: () => z.set(z.string()), values: [new Set(["a"])] },
  {
    code: "z.instanceof(Uint8Array)",
    schema: () => z.instanceof(Uint8Array),
    values: [new Uint8Array([1]), Buffer.from("a")],
  },
  { code: "z.instanceof(ArrayBuffer)", schema: () => z.instanceof(ArrayBuffer), values: [new ArrayBuffer(2)] },
  { code: "z.instanceof(Blob)", schema: () => z.instanceof(Blob), values: [new Blob(["a"]), new File(["a"], "a")] },
  { code: "z.file()", schema: () => z.file(), values: [new File(["a"], "a")] },
  { code: "z.json()", schema: () => z.json(), values: [...TEXTS, ...NUMBERS, null, [], {}, { a: [1, { b: null }] }] },
  { code: "z.coerce.string()", schema: () => z.coerce.string(), values: [1, null, "a", true, [1]] },
  { code: "z.coerce.number()", schema: () => z.coerce.number(), values: ["1", 2, null, true] },
  { code: "z.coerce.boolean()", schema: () => z.coerce.boolean(), values: ["1", 0, null, {}] },
  { code: "z.stringbool()", schema: () => z.stringbool(), values: ["true", "no", "1"] },
  { code: "z.never()", schema: () => z.never(), values: [1] },
  {
    code: "z.string().transform((t) => t.length)",
    schema: () => z.string().transform((text) => text.length),
    values: TEXTS,
  },
  {
    code: "z.string().transform((t) => t.length).pipe(z.number().int())",
    schema: () =>
      z
        .string()
        .transform((text) => text.length)
        .pipe(z.number().int()),
    values: TEXTS,
  },
  { code: "z.preprocess(Number, z.number())", schema: () => z.preprocess(Number, z.number()), values: ["1", 2] },
  { code: "z.int32()", schema: () => z.int32(), values: [1, -5] },
  { code: "z.uint32()", schema: () => z.uint32(), values: [1, 4_294_967_295] },
  { code: "z.float32()", schema: () => z.float32(), values: [1.5] },
];
