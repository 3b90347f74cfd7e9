import { fc } from "../support/property.ts";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { check, checkNow } from "../../src/payloads/checked.ts";
import { partsOf, someSchema } from "../../src/compiler/edges/schema-walks.ts";
import { IS_LONG } from "../support/long.ts";
import { lostRejections } from "../support/lost-rejections.ts";
import { type SchemaPair, schemaPair } from "../compiler/edges/schema-pairs.ts";
import { MAX_WRONG_PLACES } from "../../src/payloads/misfit.ts";

interface Tree {
  readonly name: string;
  readonly branches: readonly Tree[];
}
const tree: z.ZodType<Tree> = z.object({ name: z.string().min(1), branches: z.array(z.lazy(() => tree)) });

const rich: z.ZodType = z.union([
  z.string(),
  z.array(z.lazy(() => rich)),
  z.object({ type: z.literal("p"), content: z.array(z.lazy(() => rich)) }),
]);

const SCHEMAS = {
  rich,
  list: z.array(z.string()),
  "list of short texts": z.array(z.string().min(3)).max(5),
  object: z.object({ a: z.array(z.number()), b: z.string().optional() }),
  "strict object": z.strictObject({ a: z.unknown() }),
  record: z.record(z.string().regex(/^k/), z.number()),
  tuple: z.tuple([z.string()], z.number()),
  union: z.array(z.union([z.string(), z.number(), z.object({ a: z.string() })])),
  "union of one": z.union([z.array(z.string())]),
  "union of lists": z.union([z.array(z.string()), z.array(z.number())]),
  discriminated: z.array(
    z.discriminatedUnion("t", [z.object({ t: z.literal("a"), n: z.number() }), z.object({ t: z.literal("b") })]),
  ),
  intersection: z.intersection(z.array(z.string()), z.array(z.string().min(2))),
  catching: z.array(z.number().catch(0)),
  defaults: z.object({ a: z.array(z.string()).default([]), n: z.number().nullish() }),
  refined: z.array(z.string()).refine((texts) => texts.every((text) => text.length < 9)),
  piped: z.array(z.string().transform((text) => text.length)).transform((lengths) => lengths.length),
  asynchronous: z.array(z.string().refine(async (text) => text !== "x")),
  json: z.json(),
  tree,
} satisfies Record<string, z.ZodType>;

const value = fc.oneof(
  fc.jsonValue(),
  fc.array(fc.oneof(fc.string({ maxLength: 4 }), fc.integer(), fc.constant({ a: "b" })), { maxLength: 60 }),
  fc.dictionary(fc.string({ maxLength: 3 }), fc.oneof(fc.integer(), fc.string()), { maxKeys: 60 }),
  fc.record({ a: fc.array(fc.oneof(fc.integer(), fc.string()), { maxLength: 60 }), b: fc.anything() }),
  fc.letrec<{ rich: unknown }>((tie) => ({
    rich: fc.oneof(
      { depthSize: "small" },
      fc.string({ maxLength: 3 }),
      fc.integer(),
      fc.array(tie("rich")),
      fc.record({ type: fc.constant("p"), content: fc.array(tie("rich")) }),
    ),
  })).rich,
  fc.array(fc.record({ t: fc.constantFrom("a", "b", "c"), n: fc.oneof(fc.integer(), fc.string()) }), { maxLength: 60 }),
);

let looked = 0;
/** Finds everything wrong, and counts how often it is asked. */
function look(): boolean {
  looked += 1;
  return false;
}

function many(count: number, item: unknown = 0): unknown[] {
  return Array.from({ length: count }, () => item);
}

/** What of an issue is for others: what is wrong with each option of a union is not. */
function shown({ path, code, message }: z.core.$ZodIssue): unknown {
  return { path, code, message };
}

/** A value with the next one, which stands in a union of a union. */
function chain(v: z.ZodType): z.ZodType {
  const link: z.ZodType = z.lazy(() => z.object({ v, next: z.union([link, z.null(), z.array(link)]) }));
  return link;
}

function linked([first, ...others]: readonly unknown[]): unknown {
  const next = others.length === 0 ? null : linked(others);
  return first === undefined ? { next } : { v: first, next };
}

const passing = z.looseRecord(z.string().regex(/^a/), z.number());

/** What an answer says; a schema of the author may throw. */
async function said(answer: Promise<{ readonly [key in "ok" | "success"]?: boolean }>): Promise<boolean | "threw"> {
  return answer.then(
    ({ ok, success }) => ok ?? success ?? false,
    () => "threw",
  );
}

/**
 * Zod without its memory of objects, as a check does without it (checked.ts): the memory says of an object at two places what was said
 * at the first, or before that was known.
 */
async function withoutMemory(run: () => Promise<void>): Promise<void> {
  const { memoizer } = z.config();
  z.config({ memoizer: { attach() {}, guard() {}, alloc: (_, __, empty) => empty } });
  try {
    await run();
  } finally {
    z.config({ memoizer });
  }
}

function isUnion({ _zod: { def } }: z.core.$ZodType): boolean {
  return def.type === "union";
}

/** Tests if a schema has a part that passes the test, with a union within. */
function hasUnionIn(schema: z.ZodType, type: "union" | "success"): boolean {
  return someSchema(
    schema,
    (one) => one["_zod"].def.type === type && partsOf(one).some((part) => someSchema(part, isUnion)),
  );
}

function named<T>(values: readonly T[]): Record<string, T> {
  return Object.fromEntries(values.map((item, at) => [`k${at}`, item]));
}

describe("a value", () => {
  it.each(Object.entries(SCHEMAS))(
    "a value fits a schema if zod says so, and is read as zod reads it: %s",
    async (_, schema) => {
      await fc.assert(
        fc.asyncProperty(value, async (given) => {
          const expected = await schema.safeParseAsync(structuredClone(given));
          const checked = await check<unknown>(schema, given);
          if (!expected.success) {
            expect(checked.ok).toBe(false);
            // As many as are named are those of zod, in its order.
            if (!checked.ok && expected.error.issues.length <= MAX_WRONG_PLACES)
              expect(checked.issues.map(shown)).toEqual(expected.error.issues.map(shown));
            if (!checked.ok) expect(checked.issues.length).toBeLessThanOrEqual(MAX_WRONG_PLACES + 1);
          } else expect(checked).toEqual({ ok: true, value: expected.data });
        }),
        { numRuns: 60 },
      );
    },
  );

  it.each([
    ["items", (wrong: z.ZodType) => z.array(wrong), many(100_000)],
    ["items of a list in an object", (wrong: z.ZodType) => z.object({ a: z.array(wrong) }), { a: many(200_000) }],
    ["names", () => z.record(z.string().refine(look), z.number()), named(many(50_000))],
    ["values", (wrong: z.ZodType) => z.record(z.string(), wrong), named(many(50_000))],
    ["items of a union", (wrong: z.ZodType) => z.array(z.union([wrong, z.boolean()])), many(100_000)],
    ["items of a union's only option", (wrong: z.ZodType) => z.union([z.array(wrong)]), many(100_000)],
    [
      "items of the only option of a union's only option",
      (wrong: z.ZodType) => z.union([z.union([z.array(wrong)])]),
      many(100_000),
    ],
    [
      "values that need not be there",
      (wrong: z.ZodType) => z.record(z.string(), wrong).optional(),
      named(many(50_000)),
    ],
    [
      "values of a record in one of two objects that are both meant",
      (wrong: z.ZodType) => z.intersection(z.object({ a: z.record(z.string(), wrong) }), z.looseObject({})),
      { a: named(many(50_000)) },
    ],
    ["items that are wrong, but not so that zod stops", () => z.array(z.string().refine(look)), many(100_000, "x")],
    ["items of the rest of a tuple", (wrong: z.ZodType) => z.tuple([z.number()], wrong), many(100_000)],
    [
      "items behind a default and a pipe",
      (wrong: z.ZodType) => z.array(wrong).default([]).pipe(z.any()),
      many(100_000),
    ],
  ] as const)("a value is looked at no further than is named as wrong: many %s", async (_, schema, given) => {
    looked = 0;
    const checked = await check<unknown>(schema(z.custom(look)), given);
    expect([checked.ok ? 0 : checked.issues.length, looked]).toEqual([21, 21]);
  });

  it("a value is looked at no further where unions stand in unions, of whose options one wrong part is enough", async () => {
    const leaf = z.custom<string>(look);
    const deep: z.ZodType = z.union([leaf, z.array(z.lazy(() => deep)), z.object({ a: z.lazy(() => deep) })]);
    const nested = (levels: number): unknown =>
      levels === 0 ? 7 : Array.from({ length: 21 }, () => nested(levels - 1));
    looked = 0;
    const checked = await check<unknown>(z.array(deep), nested(4));
    // 21 of the list, 21 in each of those, and further down the first part alone.
    expect([checked.ok, looked]).toEqual([false, 21 * (1 + 21 * 3)]);
  });

  it("a value is not looked at by what comes behind a part that was left out", async () => {
    const seen: unknown[] = [];
    const schema = z
      .array(
        z
          .string()
          .min(2)
          .refine((text) => seen.push(text) > 0),
      )
      .refine((texts) => texts.every((text) => text.startsWith("x")))
      .transform((texts) => texts.map((text) => text.trim()));
    const checked = await check(schema, [...Array.from({ length: 50 }, () => "x"), 1, null]);
    expect(checked.ok ? [] : checked.issues.slice(0, 20).map(({ path }) => path)).toEqual(
      Array.from({ length: 20 }, (__, at) => [at]),
    );
    expect(new Set(seen.map((text) => typeof text))).toEqual(new Set(["string"]));
  });

  it("a value fits two records that share its names, however many, if each name and value fits one of them", () => {
    const [ones, others] = [z.record(z.string().regex(/^a/), z.number()), z.record(z.string().regex(/^b/), z.string())];
    const given = Object.fromEntries(many(50).flatMap((_, at) => [[`a${at}`, at] as const, [`b${at}`, "x"] as const]));
    for (const schema of [
      z.intersection(ones, others),
      z.intersection(
        ones.optional(),
        z.lazy(() => others),
      ),
    ]) {
      expect(checkNow<unknown>(schema, given)).toEqual({ ok: true, value: given });
      for (const wrong of [{ a99: "x" }, { b99: 1 }, { c: 1 }])
        expect(checkNow<unknown>(schema, { ...given, ...wrong }).ok).toBe(false);
    }
  });

  it.each<[string, z.ZodType, unknown, boolean]>([
    ["a name left out", chain(z.exactOptional(z.number())), linked([1, 2, undefined]), true],
    ["a name that is a number", chain(z.record(z.number(), z.string())), linked(many(3, { 1: "x", 2: "y" })), true],
    ["a value that is caught", chain(z.array(z.number().catch(0))), linked(many(3, ["x", "x"])), true],
    ["many names left out", z.object(named(many(30, z.exactOptional(z.number())))), {}, true],
    [
      "many names that are numbers",
      z.record(z.number(), z.string()),
      Object.fromEntries(many(30, "x").entries()),
      true,
    ],
    ["many names passed on", z.looseRecord(z.literal(["a"]), z.number()), { ...named(many(30, "x")), a: 1 }, true],
    ["names passed on before a wrong one", passing, { ...named(many(30, "x")), a: "x" }, false],
  ])("a value is read as zod reads it, which drops some wrong parts: %s", (_, schema, given, isTaken) => {
    expect(schema.safeParse(given).success).toBe(isTaken);
    expect(checkNow<unknown>(schema, given).ok).toBe(isTaken);
  });

  it("a value fits one schema of random ones if zod says so, and no rejection is lost", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0 }), async (seed) => {
        const schemas = ({ passes, takes }: SchemaPair): z.ZodType[] => [
          passes,
          takes,
          z.union([z.null(), z.array(z.union([z.null(), takes]))]),
        ];
        const pair = schemaPair(seed);
        const cases = schemas(pair).map((schema) => ({ schema, values: [pair.value(), [pair.value()]] }));
        const answers: (boolean | "threw")[] = [];
        const lost = await lostRejections(async () => {
          for (const { schema, values } of cases)
            for (const given of values) answers.push(await said(check<unknown>(schema, given)));
        });
        expect([pair.code, lost]).toEqual([pair.code, []]);
        const expected: typeof answers = [];
        // Zod loses some: those of options behind which another one fits at once.
        await lostRejections(async () =>
          withoutMemory(async () => {
            for (const [at, schema] of schemas(schemaPair(seed)).entries())
              for (const given of cases[at]?.values ?? []) expected.push(await said(schema.safeParseAsync(given)));
          }),
        );
        for (const [at, { schema, values }] of cases.entries())
          for (const [which, given] of values.entries()) {
            const [answer, byZod] = [answers, expected].map((all) => all[at * 2 + which]);
            // A part of an option in a nested union that would throw may not be reached, and another option fits.
            if (byZod === "threw" && hasUnionIn(schema, "union")) continue;
            // Zod takes what is wrong in a `success`, but only if it is wrong in the one option of a union that was read to its end.
            if (byZod === true && answer === false && hasUnionIn(schema, "success")) continue;
            expect([pair.code, given, answer === true]).toEqual([pair.code, given, byZod === true]);
          }
      }),
      { numRuns: IS_LONG ? 5_000 : 500 },
    );
  });

  const throwLater = async (given: unknown): Promise<never> => {
    await Promise.resolve();
    throw new Error(`later: ${JSON.stringify(given)}`);
  };
  const throwAtOnce = (given: unknown): never => {
    throw new Error(`at once: ${JSON.stringify(given)}`);
  };
  const wait = async (): Promise<true> =>
    new Promise((resolve) => {
      setImmediate(() => {
        resolve(true);
      });
    });
  const later = z.string().refine(throwLater);
  const atOnce = z.string().refine(throwAtOnce);
  const slow = z.string().refine(wait);

  it.each<[string, z.ZodType, unknown, string]>([
    ["parts", z.object({ a: later, b: z.array(later), c: atOnce }), { a: "x", b: ["y"], c: "z" }, 'at once: "z"'],
    ["options of a union", z.union([z.array(later).catch([]), z.string()]), ["x", "y"], 'later: "x"'],
    ["a check that throws at once behind one that throws later", later.refine(throwAtOnce), "x", 'at once: "x"'],
    ["a check that throws behind one that is awaited", slow.refine(throwLater), "x", 'later: "x"'],
    [
      "a check of a property",
      z.any().check(z.property("a", later)).refine(throwAtOnce),
      { a: "x" },
      'at once: {"a":"x"}',
    ],
  ])(
    "a value is refused with one error, and no other is lost, if it makes much throw: %s",
    async (_, schema, given, error) => {
      const lost = await lostRejections(async () => {
        await expect(check(schema, given)).rejects.toThrow(error);
      });
      expect(lost).toEqual([]);
    },
  );

  it.each<[string, () => z.ZodType]>([
    ["an option that throws later", () => z.union([later, z.string()])],
    ["an option of an option", () => z.union([z.union([later, z.number()]), z.string()])],
    ["a union that is a part", () => z.intersection(slow, z.union([later, z.string()]))],
    ["a union with a check that is awaited", () => z.union([later, z.string()]).refine(wait)],
  ])("a value fits a union of which a later option takes it at once: %s", async (_, made) => {
    const lost = await lostRejections(async () => {
      expect(await check(made(), "x")).toEqual({ ok: true, value: "x" });
    });
    expect(lost).toEqual([]);
  });

  it("a value that a union takes at once is refused with the error of the union's own check", async () => {
    const schema = z.union([later, z.string()]).refine(throwLater);
    await expect(check(schema, "x")).rejects.toThrow('later: "x"');
    await expect(check(z.xor([later, z.string()]), "x")).rejects.toThrow('later: "x"');
  });

  it("a value is parsed by the schema's author as before", () => {
    const schema = z.array(z.string());
    expect(checkNow(schema, [1]).ok).toBe(false);
    expect(schema.safeParse(Array.from({ length: 50 }, () => 1)).error?.issues).toHaveLength(50);
  });

  it("a value is looked at wherever it stands, also by a schema that refers to itself and has asynchronous parts", async () => {
    const leaf = z.string().refine(async (text) => text !== "x");
    const later: z.ZodType = z.object({ leaf, kids: z.array(z.lazy(() => later)) });
    const bad = { leaf: "x", kids: [] };
    expect(await check<unknown>(z.array(later.catch("bad")), [bad, bad])).toEqual({ ok: true, value: ["bad", "bad"] });
    const twice = z.record(z.string(), z.union([later, z.literal("other")]));
    expect(await check<unknown>(twice, { a: bad, b: bad })).toMatchObject({ ok: false });
    const good = { leaf: "y", kids: [] };
    expect(await check<unknown>(z.array(later), [good, good])).toEqual({ ok: true, value: [good, good] });
  });

  it("a value is looked at by each option of a union, though the options share an asynchronous part", async () => {
    const kids = z.array(z.lazy(() => kind));
    const text = z.string().transform((one) => one.length);
    const kind: z.ZodType = z.union([
      z.object({ type: z.literal("a"), text, kids }),
      z.object({ type: z.literal("b"), text, kids }),
    ]);
    const leaf = { type: "a", text: "yes", kids: [] };
    const read = { type: "a", text: 3, kids: [] };
    expect(await check<unknown>(kind, { type: "b", text: "", kids: [leaf] })).toEqual({
      ok: true,
      value: { type: "b", text: 0, kids: [read] },
    });
    expect(await check<unknown>(kind, { type: "b", text: "", kids: [{ ...leaf, text: 1 }] })).toMatchObject({
      ok: false,
    });
  });

  it("a value that is part of itself fits no schema that refers to itself", async () => {
    const own: Record<string, unknown> = { name: "own" };
    own["branches"] = [own, own];
    expect(await check<unknown>(tree, own)).toMatchObject({
      ok: false,
      issues: [
        { path: ["branches", 0], message: expect.stringContaining("part of itself") },
        { path: ["branches", 1] },
      ],
    });
  });

  it("a value that is nested too deep for a schema that refers to itself does not fit it", async () => {
    let deep: Tree = { name: "leaf", branches: [] };
    for (let level = 0; level < 20_000; level += 1) deep = { name: "branch", branches: [deep] };
    expect(await check(tree, deep)).toMatchObject({
      ok: false,
      issues: [{ message: expect.stringContaining("deep") }],
    });
  });
});
