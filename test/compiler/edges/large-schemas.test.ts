import { expect, it } from "vitest";
import { z } from "zod";
import { compareSets } from "../../../src/compiler/edges/compare-sets.ts";
import { SchemaSets } from "../../../src/compiler/edges/schema-sets.ts";

const COUNT = 1_000;

/** Schemas made twice, so that nothing is known of the second from the first. */
function answerTo(make: () => z.ZodType): string {
  const sets = new SchemaSets();
  return compareSets(sets.passed(make()), sets.taken(make())).answer;
}

function numbered<T>(make: (index: number) => T, count = COUNT): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** Kinds of nodes whose children are nodes of every kind. */
function syntaxTree(kinds: number, isShared: boolean): z.ZodType {
  const nodes: z.ZodType[] = [];
  const any = z.lazy(() => z.union(nodes));
  const node = (index: number): z.ZodType =>
    z.object({
      kind: z.literal(`k${index}`),
      text: z.string(),
      parts: z.array(isShared ? any : z.lazy(() => z.union(nodes))),
    });
  nodes.push(...numbered(node, kinds));
  return any;
}

/** A new schema for each level, without end. */
function endless(): z.ZodType {
  return z.object({ next: z.lazy(endless).optional() });
}

function nested(levels: number, around: (inner: z.ZodType) => z.ZodType): z.ZodType {
  return numbered(() => around, levels).reduce((inner: z.ZodType, wrap) => wrap(inner), z.string());
}

it.each<readonly [what: string, expected: "fits" | "unknown", make: () => z.ZodType]>([
  ["twenty thousand words", "fits", () => z.enum(numbered((index) => `w${index}`, 20_000))],
  ["a thousand tagged options", "fits", () => z.union(numbered((index) => z.object({ tag: z.literal(index) })))],
  [
    "a thousand options of a discriminated union",
    "fits",
    () =>
      z.discriminatedUnion("tag", [
        z.object({ tag: z.literal("first") }),
        ...numbered((index) => z.object({ tag: z.literal(index) })),
      ]),
  ],
  [
    "five thousand properties",
    "fits",
    () => z.object(Object.fromEntries(numbered((index) => [`p${index}`, z.string()], 5_000))),
  ],
  ["a hundred kinds of nodes within each other", "fits", () => syntaxTree(100, true)],
  ["a hundred kinds of nodes, each with a union of its own", "unknown", () => syntaxTree(100, false)],
  ["unions within unions", "fits", () => nested(300, (inner) => z.union([inner, z.number()]))],
  [
    "objects within objects, deeper than the check reads",
    "unknown",
    () => nested(5_000, (inner) => z.object({ inner })),
  ],
  ["a schema without end", "unknown", endless],
])("schemas of any size are compared, or the check cannot tell: %s", (_what, expected, make) => {
  expect(answerTo(make)).toBe(expected);
});
