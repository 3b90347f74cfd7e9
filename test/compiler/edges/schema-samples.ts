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

/** One side of a pair of schemas. */
export interface Side {
  readonly schema: z.ZodType;
  readonly code: string;
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
  "\ufeffa\u00a0",
  "ß",
  "İΑΣ",
  "e\u0301",
  "null",
  "1e21",
  "aB",
];
export const NUMBERS = [
  0, -0, 1, -1, 2, 3, 5, 10, 12, 0.5, -2.5, 1e21, 9_007_199_254_740_991, 9_007_199_254_740_992, 1e-7, 100, 0.3, 1.1, 4,
  -10, 1.797e308, 5e-324, -9_007_199_254_740_991, 4_294_967_296,
];
export const KEYS = ["a", "b", "c", "toString", "__proto__", "10"];

/** Any value, also of other kinds than a schema expects. */
const JUNK: readonly unknown[] = [
  ...TEXTS,
  ...NUMBERS,
  null,
  undefined,
  true,
  false,
  [],
  {},
  [null],
  [undefined, 1],
  { a: 1 },
  { tag: "x" },
  { length: 2 },
  { v: null, next: null },
  JSON.parse('{"__proto__": {"a": 1}, "toString": 1, "constructor": null}'),
  new Date(0),
  1n,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  new Uint8Array([1]),
];

/** The value with one part replaced, left out, doubled or added. */
export function mutated(random: Random, value: unknown): unknown {
  if (typeof value !== "object" || value === null || random.chance(0.2)) return random.pick(JUNK);
  if (Array.isArray(value)) {
    const items: unknown[] = [...value];
    const at = random.below(items.length + 1);
    if (random.chance(0.25)) return items.slice(0, at);
    if (random.chance(0.25)) return [...items, at < items.length ? items[at] : random.pick(JUNK)];
    items[at] = mutated(random, items[at]);
    return items;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return random.pick(JUNK);
  const entries = Object.entries(value);
  const names = entries.map(([name]) => name);
  const name = random.pick([...names, ...names, ...KEYS, "v", "next", "tag", "__proto__"]);
  const others = entries.filter(([other]) => other !== name);
  if (random.chance(0.3)) return Object.fromEntries(others);
  const known = entries.find(([other]) => other === name)?.[1];
  return Object.fromEntries([...others, [name, mutated(random, known)]]);
}
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
  { code: 'z.string().endsWith("c")', schema: () => z.string().endsWith("c"), values: ["c", "abc"] },
  { code: "z.httpUrl()", schema: () => z.httpUrl(), values: ["https://example.org/a"] },
  { code: "z.url({ normalize: true })", schema: () => z.url({ normalize: true }), values: ["HTTPS://example.org"] },
  { code: "z.jwt()", schema: () => z.jwt(), values: ["eyJhbGciOiJIUzI1NiJ9.e30.x"] },
  { code: "z.ipv6()", schema: () => z.ipv6(), values: ["::1", "fe80::1"] },
  { code: "z.cidrv4()", schema: () => z.cidrv4(), values: ["10.0.0.0/8"] },
  { code: "z.hex()", schema: () => z.hex(), values: ["ff", ""] },
  { code: "z.e164()", schema: () => z.e164(), values: ["+14155552671"] },
  { code: "z.emoji()", schema: () => z.emoji(), values: ["😀"] },
  { code: "z.iso.time()", schema: () => z.iso.time(), values: ["10:00:00"] },
  { code: "z.iso.duration()", schema: () => z.iso.duration(), values: ["P1D"] },
  {
    code: "z.iso.datetime({ offset: true })",
    schema: () => z.iso.datetime({ offset: true }),
    values: ["2026-11-29T10:00:00+01:00", "2026-11-29T10:00:00Z"],
  },
  { code: "z.email().trim()", schema: () => z.email().trim(), values: ["a@b.org"] },
  { code: "z.email().overwrite(fn)", schema: () => z.email().overwrite((text) => text.slice(1)), values: ["a@b.org"] },
  { code: "z.base64url()", schema: () => z.base64url(), values: ["YQ", ""] },
  { code: "z.nanoid()", schema: () => z.nanoid(), values: ["V1StGXR8_Z5jdHi6B-myT"] },
  { code: "z.string().slugify()", schema: () => z.string().slugify(), values: ["A b", "a-b"] },
  { code: "z.string().regex(/a/y)", schema: () => z.string().regex(/a/y), values: ["a", "abc"] },
  { code: "z.string().regex(/a$/)", schema: () => z.string().regex(/a$/), values: ["a", "ba"] },
  { code: 'z.stringFormat("x", fn)', schema: () => z.stringFormat("x", (text) => text !== "a"), values: ["b"] },
  {
    code: "z.templateLiteral([z.enum(['a', 'b']), z.int()])",
    schema: () => z.templateLiteral([z.enum(["a", "b"]), z.int()]),
    values: ["a1", "b-2"],
  },
  {
    code: "z.templateLiteral(['a', z.string().optional()])",
    schema: () => z.templateLiteral(["a", z.string().optional()]),
    values: ["a", "abc"],
  },
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
  {
    code: "z.string().transform((t) => t || undefined).pipe(z.string().optional())",
    schema: () =>
      z
        .string()
        .transform((text) => text || undefined)
        .pipe(z.string().optional()),
    values: TEXTS,
  },
  {
    code: "z.string().optional().transform((t) => t.length).pipe(z.number().optional())",
    schema: () =>
      z
        .string()
        .optional()
        .transform((text) => (text ?? JSON.parse("!")).length)
        .pipe(z.number().optional()),
    values: [...TEXTS, undefined],
  },
  { code: "z.number().default(NaN)", schema: () => z.number().default(Number.NaN), values: [1, undefined] },
  {
    code: "z.number().default(NaN).pipe(z.number())",
    schema: () => z.number().default(Number.NaN).pipe(z.number()),
    values: [1, undefined],
  },
  { code: "z.number().prefault(NaN)", schema: () => z.number().prefault(Number.NaN), values: [1, undefined] },
  { code: "z.coerce.bigint()", schema: () => z.coerce.bigint(), values: ["1", 2, true] },
  { code: "z.coerce.date()", schema: () => z.coerce.date(), values: ["2026-11-29", 0, null] },
  { code: "z.coerce.string().min(2)", schema: () => z.coerce.string().min(2), values: [10, null, "ab", true] },
  { code: "z.coerce.number().min(1)", schema: () => z.coerce.number().min(1), values: ["10", 2, true] },
  { code: "z.any().refine(fn)", schema: () => z.any().refine((value) => value.length > 1), values: ["ab", [1, 2]] },
  { code: "z.custom(fn)", schema: () => z.custom((value) => JSON.stringify(value).length > 1), values: [10, "a", {}] },
  { code: "z.void()", schema: () => z.void(), values: [undefined] },
  { code: "z.null()", schema: () => z.null(), values: [null] },
  { code: "z.symbol()", schema: () => z.symbol(), values: [Symbol("a")] },
  { code: "z.literal([1n, undefined, NaN])", schema: () => z.literal([1n, undefined]), values: [1n, undefined] },
  { code: "z.enum({ A: 1, B: 'b' })", schema: () => z.enum({ A: 1, B: "b" }), values: [1, "b"] },
  { code: "z.instanceof(Buffer)", schema: () => z.instanceof(Buffer), values: [Buffer.from("a")] },
  { code: "z.instanceof(URL)", schema: () => z.instanceof(URL), values: [new URL("https://example.org")] },
  { code: "z.instanceof(Object)", schema: () => z.instanceof(Object), values: [{}, [], new Uint8Array(1)] },
  { code: "z.instanceof(Array)", schema: () => z.instanceof(Array), values: [[], [1]] },
  {
    code: "z.instanceof(ReadableStream)",
    schema: () => z.instanceof(ReadableStream),
    values: [new Blob(["a"]).stream()],
  },
  { code: "z.float64()", schema: () => z.float64(), values: [1.5] },
  { code: "z.int64()", schema: () => z.int64(), values: [1n] },
  { code: "z.number().finite().safe()", schema: () => z.number().finite().safe(), values: [1, 1.5] },
  {
    code: "z.codec(z.string(), z.number(), …)",
    schema: () => z.codec(z.string(), z.number(), { decode: Number, encode: String }),
    values: ["1", "a"],
  },
  {
    code: "z.array(z.string().catch(undefined)).pipe(z.array(z.string()))",
    schema: () => z.array(z.string().catch(JSON.parse("{}").none)).pipe(z.array(z.string())),
    values: [["a"], [1], []],
  },
  {
    code: "z.object({ a: any that may be undefined }).pipe(z.object({ a: z.exactOptional(z.string()) }))",
    schema: () =>
      piped(z.object({ a: z.any().catch(undefined).pipe(z.any()) }), z.object({ a: z.exactOptional(z.string()) })),
    values: [{ a: "a" }, { a: 1 }],
  },
  {
    code: "z.array(z.string().min(3)).overwrite(fn)",
    schema: () => z.array(z.string().min(3)).overwrite((texts) => texts.map((text) => text.slice(2))),
    values: [["abc"], []],
  },
  { code: "z.int32()", schema: () => z.int32(), values: [1, -5] },
  { code: "z.uint32()", schema: () => z.uint32(), values: [1, 4_294_967_295] },
  { code: "z.float32()", schema: () => z.float32(), values: [1.5] },
];

/** A pipe whose types do not tell that undefined is passed. */
function piped(first: z.ZodType, second: z.ZodType): z.ZodType {
  return first.pipe(second);
}
