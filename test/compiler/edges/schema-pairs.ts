/**
 * Random pairs of schemas: what a parent passes and what its child takes. The child's schema is made beside the parent's, with
 * small differences, so that many pairs fit, many nearly do, and some do not.
 */
import { z } from "zod";
import { leaf } from "./schema-leaves.ts";
import { KEYS, mutated, Random, type Side } from "./schema-samples.ts";
import { WRAPPERS, wrapped } from "./schema-wrappers.ts";

/** A pair of schemas with their code, and inputs that the parent's schema mostly accepts. */
export interface SchemaPair {
  readonly passes: z.ZodType;
  readonly takes: z.ZodType;
  readonly code: string;
  /** An input of the parent's schema. */
  value(): unknown;
}

interface Pair {
  readonly passes: Side;
  readonly takes: Side;
  readonly value: () => unknown;
}

/** Makes the pair of a seed. */
export function schemaPair(seed: number): SchemaPair {
  const random = new Random(seed);
  const { passes, takes, value } = new PairMaker(random).pair(random.pick([1, 2, 2, 3]));
  return {
    passes: passes.schema,
    takes: takes.schema,
    code: `${passes.code} -> ${takes.code}`,
    value: () => (random.chance(0.3) ? mutated(random, value()) : value()),
  };
}

/** Records whose keys are numbers, are changed, or pass through. */
const RECORD_KEYS: readonly ((values: Side) => Side)[] = [
  ({ schema, code }) => ({ schema: z.record(z.number(), schema), code: `z.record(z.number(), ${code})` }),
  ({ schema, code }) => ({
    schema: z.record(z.literal([10, "a"]), schema),
    code: `z.record(z.literal([10, "a"]), ${code})`,
  }),
  ({ schema, code }) => ({ schema: z.record(z.coerce.number(), schema), code: `z.record(z.coerce.number(), ${code})` }),
  ({ schema, code }) => ({
    schema: z.record(z.string().toLowerCase(), schema),
    code: `z.record(z.string().toLowerCase(), ${code})`,
  }),
  ({ schema, code }) => ({ schema: z.record(z.string().min(2), schema), code: `z.record(z.string().min(2), ${code})` }),
  ({ schema, code }) => ({
    schema: z.looseRecord(z.string().regex(/^[a-c]$/), schema),
    code: `z.looseRecord(z.string().regex(/^[a-c]$/), ${code})`,
  }),
  ({ schema, code }) => ({
    schema: z.looseRecord(z.enum(["a", "b"]), schema),
    code: `z.looseRecord(z.enum(["a", "b"]), ${code})`,
  }),
  ({ schema, code }) => ({
    schema: z.record(
      z.enum(["a", "b"]).transform((key) => `${key}b`),
      schema,
    ),
    code: `z.record(z.enum(["a", "b"]).transform(+ "b"), ${code})`,
  }),
  ({ schema, code }) => ({
    schema: z.record(z.enum(["a", "toString", "__proto__"]), schema),
    code: `z.record(z.enum(["a", "toString", "__proto__"]), ${code})`,
  }),
  ({ schema, code }) => ({
    schema: z.partialRecord(z.union([z.literal(10), z.string()]), schema),
    code: `z.partialRecord(z.union([z.literal(10), z.string()]), ${code})`,
  }),
  ({ schema, code }) => ({
    schema: z.record(
      z.enum(["a", "b"]).refine((key) => key === "a"),
      schema,
    ),
    code: `z.record(z.enum(["a", "b"]).refine(a), ${code})`,
  }),
  ({ schema, code }) => ({
    schema: z.record(
      z
        .enum(["a", "b"])
        .refine((key) => key === "a")
        .catch("a"),
      schema,
    ),
    code: `z.record(z.enum(["a", "b"]).refine(a).catch("a"), ${code})`,
  }),
  ({ schema, code }) => ({
    schema: z.partialRecord(z.templateLiteral([z.enum(["a", "b"])]), schema),
    code: `z.partialRecord(z.templateLiteral([z.enum(["a", "b"])]), ${code})`,
  }),
];

/** The tag of an option of a discriminated union. */
const TAGS: readonly ((tag: string) => Side)[] = [
  (tag) => ({ schema: z.literal(tag), code: `"${tag}"` }),
  (tag) => ({ schema: z.literal(tag), code: `"${tag}"` }),
  (tag) => ({ schema: z.literal(tag), code: `"${tag}"` }),
  (tag) => ({ schema: z.enum([tag, `${tag}2`]), code: `z.enum(["${tag}", "${tag}2"])` }),
  (tag) => ({ schema: z.literal(tag).catch(tag), code: `z.literal("${tag}").catch("${tag}")` }),
  (tag) => ({ schema: z.literal(tag).default(tag), code: `z.literal("${tag}").default("${tag}")` }),
  (tag) => ({ schema: z.literal(tag).optional(), code: `z.literal("${tag}").optional()` }),
  (tag) => ({ schema: z.literal([tag, null, 1]), code: `z.literal(["${tag}", null, 1])` }),
  (tag) => ({ schema: z.literal(tag).transform(() => "t"), code: `z.literal("${tag}").transform(t)` }),
];

class PairMaker {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  pair(depth: number): Pair {
    const made = depth > 0 && this.#random.chance(0.75) ? this.#container(depth) : this.#leaf();
    return this.#random.chance(0.35) ? this.#wrapped(made) : made;
  }

  /** Different schemas for the two sides, now and then. */
  #leaf(): Pair {
    const one = leaf(this.#random);
    if (this.#random.chance(0.75)) return { passes: one, takes: one, value: one.value };
    return { passes: one, takes: leaf(this.#random), value: one.value };
  }

  #container(depth: number): Pair {
    switch (this.#random.below(12)) {
      case 0:
      case 1:
      case 2:
        return this.#object(depth);
      case 3:
        return this.#array(depth);
      case 4:
        return this.#tuple(depth);
      case 5:
        return this.#record(depth);
      case 6:
        return this.#union(depth);
      case 7:
        return this.#tagged(depth);
      case 8:
        return this.#intersection(depth);
      case 9:
        return this.#joined(depth);
      case 10:
        return this.#cycle(depth);
      default:
        return this.#tree(depth);
    }
  }

  #object(depth: number): Pair {
    const random = this.#random;
    const names = KEYS.filter(() => random.chance(0.4));
    const parts = names.map((name) => [name, this.pair(depth - 1)] as const);
    const passed = parts.filter(() => random.chance(0.9));
    const taken = parts.filter(() => random.chance(0.9));
    const modes = [random.below(8), random.chance(0.7) ? 0 : random.below(8)];
    const further = this.#leaf();
    const side = (which: "passes" | "takes", of: typeof parts, mode = 0): Side => {
      const shape = Object.fromEntries(of.map(([name, pair]) => [name, pair[which].schema]));
      const code = `{${of.map(([name, pair]) => `${name}: ${pair[which].code}`).join(", ")}}`;
      if (mode === 1) return { schema: z.strictObject(shape), code: `z.strictObject(${code})` };
      if (mode === 2) return { schema: z.looseObject(shape), code: `z.looseObject(${code})` };
      if (mode === 3)
        return { schema: z.object(shape).catchall(z.number()), code: `z.object(${code}).catchall(z.number())` };
      if (mode === 4)
        return {
          schema: z.object(shape).catchall(further[which].schema.optional()),
          code: `z.object(${code}).catchall(${further[which].code}.optional())`,
        };
      if (mode === 5) return { schema: z.object(shape).partial(), code: `z.object(${code}).partial()` };
      if (mode === 6) return { schema: z.object(shape).required(), code: `z.object(${code}).required()` };
      return { schema: z.object(shape), code: `z.object(${code})` };
    };
    const value = (): unknown => ({
      ...(random.chance(0.3) && { c: random.pick([1, "a"]), other: random.pick([1, "a"]) }),
      ...Object.fromEntries(passed.filter(() => random.chance(0.9)).map(([name, pair]) => [name, pair.value()])),
    });
    return { passes: side("passes", passed, modes[0]), takes: side("takes", taken, modes[1]), value };
  }

  #array(depth: number): Pair {
    const item = this.pair(depth - 1);
    const random = this.#random;
    const bounded = ({ schema, code }: Side): Side => {
      const array = z.array(schema);
      const length = random.below(3);
      if (random.chance(0.6)) return { schema: array, code: `z.array(${code})` };
      if (random.chance(0.5)) return { schema: array.min(length), code: `z.array(${code}).min(${length})` };
      return { schema: array.max(length + 1), code: `z.array(${code}).max(${length + 1})` };
    };
    const value = (): unknown => Array.from({ length: random.below(4) }, () => item.value());
    const takes = random.chance(0.85)
      ? bounded(item.takes)
      : { schema: z.tuple([item.takes.schema]), code: `z.tuple([${item.takes.code}])` };
    return { passes: bounded(item.passes), takes, value };
  }

  #tuple(depth: number): Pair {
    const random = this.#random;
    const items = Array.from({ length: 1 + random.below(3) }, () => this.pair(depth - 1));
    const rest = random.chance(0.3) ? this.pair(depth - 1) : null;
    const side = (which: "passes" | "takes"): Side => {
      const [first, ...others] = items.map((item) => item[which]);
      if (first === undefined) throw new Error("a tuple has an item");
      const schemas: [z.ZodType, ...z.ZodType[]] = [first.schema, ...others.map(({ schema }) => schema)];
      const code = `[${[first, ...others].map((one) => one.code).join(", ")}]`;
      if (rest === null) return { schema: z.tuple(schemas), code: `z.tuple(${code})` };
      return { schema: z.tuple(schemas, rest[which].schema), code: `z.tuple(${code}, ${rest[which].code})` };
    };
    const value = (): unknown => {
      const given = items.map((item) => item.value());
      if (rest !== null) for (let more = random.below(3); more > 0; more -= 1) given.push(rest.value());
      return random.chance(0.2) ? given.slice(0, -1) : given;
    };
    return { passes: side("passes"), takes: side("takes"), value };
  }

  #record(depth: number): Pair {
    const item = this.pair(depth - 1);
    const random = this.#random;
    const side = ({ schema, code }: Side): Side => {
      const [key] = random.below(2) === 0 ? RECORD_KEYS.slice(random.below(RECORD_KEYS.length)) : [];
      if (key !== undefined) return key({ schema, code });
      switch (random.below(5)) {
        case 0:
          return { schema: z.record(z.enum(["a", "b"]), schema), code: `z.record(z.enum(["a", "b"]), ${code})` };
        case 1:
          return {
            schema: z.partialRecord(z.enum(["a", "b"]), schema),
            code: `z.partialRecord(z.enum(["a", "b"]), ${code})`,
          };
        case 2:
          return {
            schema: z.record(z.string().regex(/^[a-c]$/), schema),
            code: `z.record(z.string().regex(/^[a-c]$/), ${code})`,
          };
        case 3:
          return { schema: z.object({ a: schema }), code: `z.object({a: ${code}})` };
        default:
          return { schema: z.record(z.string(), schema), code: `z.record(z.string(), ${code})` };
      }
    };
    const value = (): unknown =>
      Object.fromEntries(
        ["a", "b", "c", "10", "A", "true"].filter(() => random.chance(0.5)).map((key) => [key, item.value()]),
      );
    return { passes: side(item.passes), takes: side(item.takes), value };
  }

  #union(depth: number): Pair {
    const random = this.#random;
    const options = Array.from({ length: 1 + random.below(3) }, () => this.pair(depth - 1));
    const side = (which: "passes" | "takes", of: readonly Pair[]): Side => ({
      schema: z.union(of.map((option) => option[which].schema)),
      code: `z.union([${of.map((option) => option[which].code).join(", ")}])`,
    });
    const fewer = options.filter((_, index) => index === 0 || random.chance(0.8));
    return { passes: side("passes", fewer), takes: side("takes", options), value: () => random.pick(fewer).value() };
  }

  #tagged(depth: number): Pair {
    const random = this.#random;
    const options = ["x", "y", "z"].slice(0, 1 + random.below(3)).map((tag) => [tag, this.pair(depth - 1)] as const);
    const isDeclared = random.chance(0.7);
    const side = (which: "passes" | "takes", isUnion: boolean): Side => {
      const tags = options.map(([tag]) => (random.chance(0.7) ? plainTag(tag) : random.pick(TAGS)(tag)));
      const tagOf = (index: number): Side => tags[index] ?? plainTag("x");
      const objects = options.map(([, pair], index) => z.object({ tag: tagOf(index).schema, v: pair[which].schema }));
      const [first, ...others] = objects;
      if (first === undefined) throw new Error("a union has an option");
      const code = options
        .map(([, pair], index) => `z.object({tag: ${tagOf(index).code}, v: ${pair[which].code}})`)
        .join(", ");
      return isUnion
        ? { schema: z.discriminatedUnion("tag", [first, ...others]), code: `z.discriminatedUnion("tag", [${code}])` }
        : { schema: z.union(objects), code: `z.union([${code}])` };
    };
    const value = (): unknown => {
      const [tag, pair] = random.pick(options);
      return { ...(random.chance(0.95) && { tag: random.chance(0.9) ? tag : `${tag}2` }), v: pair.value() };
    };
    const [only] = options;
    if (!isDeclared && only !== undefined) {
      const tags = options.map(([tag]) => tag);
      const schema = z.object({ tag: z.enum(tags), v: only[1].passes.schema });
      const passes = { schema, code: `z.object({tag: z.enum(${JSON.stringify(tags)}), v: ${only[1].passes.code}})` };
      return { passes, takes: side("takes", true), value: () => ({ tag: random.pick(tags), v: only[1].value() }) };
    }
    return { passes: side("passes", random.chance(0.5)), takes: side("takes", random.chance(0.5)), value };
  }

  #intersection(depth: number): Pair {
    const [left, right] = [this.#object(depth - 1), this.#object(depth - 1)];
    const joined = (one: Side, other: Side): Side => ({
      schema: z.intersection(one.schema, other.schema),
      code: `z.intersection(${one.code}, ${other.code})`,
    });
    const value = (): unknown => ({ ...propertiesOf(left.value()), ...propertiesOf(right.value()) });
    const random = this.#random;
    return {
      passes: random.chance(0.7) ? joined(left.passes, right.passes) : left.passes,
      takes: random.chance(0.7) ? joined(left.takes, right.takes) : right.takes,
      value,
    };
  }

  /** Two schemas of any kind that both have to accept the value. */
  #joined(depth: number): Pair {
    const random = this.#random;
    const [left, right] = [this.pair(depth - 1), random.chance(0.5) ? this.pair(0) : this.pair(depth - 1)];
    const isSame = random.chance(0.5);
    const side = (which: "passes" | "takes"): Side => {
      const [one, other] = [left[which], isSame ? left.passes : right[which]];
      return { schema: z.intersection(one.schema, other.schema), code: `z.intersection(${one.code}, ${other.code})` };
    };
    return {
      passes: random.chance(0.7) ? side("passes") : left.passes,
      takes: random.chance(0.7) ? side("takes") : left.takes,
      value: () => (random.chance(0.7) ? left : right).value(),
    };
  }

  /** Schemas that refer to themselves in a record, a list, a tuple, a getter or a union. */
  #cycle(depth: number): Pair {
    const item = this.pair(depth - 1);
    const random = this.#random;
    const kinds: readonly ((schema: z.ZodType) => z.ZodType)[] = [
      (schema) => {
        const node: z.ZodType = z.lazy(() => z.record(z.string(), z.union([schema, node])));
        return node;
      },
      (schema) => {
        const node: z.ZodType = z.lazy(() => z.union([schema, z.array(node)]));
        return node;
      },
      (schema) => {
        const node: z.ZodType = z.lazy(() => z.tuple([schema, z.exactOptional(node)]));
        return node;
      },
      (schema) => {
        const node = z.object({
          v: schema,
          get next(): z.ZodType {
            return node.optional();
          },
        });
        return node;
      },
      (schema) => {
        const odd: z.ZodType = z.lazy(() => z.object({ v: schema, next: even.nullable() }));
        const even: z.ZodType = z.lazy(() => z.object({ v: schema, next: odd.optional().nullable() }));
        return odd;
      },
      (schema) => {
        const node: z.ZodType = z.lazy(() => z.union([z.object({ v: schema, next: node }), schema, z.null()]));
        return node;
      },
      (schema) => {
        const node: z.ZodType = z.lazy(() => z.object({ v: schema.catch(1), next: node.catch(null) }).partial());
        return node;
      },
      (schema) => {
        const node: z.ZodType = z.lazy(() =>
          z.intersection(z.object({ v: schema }), z.object({ next: node.optional() })),
        );
        return node;
      },
    ];
    const kind = random.below(kinds.length);
    const side = ({ schema, code }: Side, number: number): Side => {
      const make = kinds[number];
      if (make === undefined) throw new Error("no such cycle");
      return { schema: make(schema), code: `cycle${number}(${code})` };
    };
    const grow = (left: number): unknown => {
      const inner = left > 0 ? grow(left - 1) : item.value();
      const next = left > 0 ? inner : random.pick([null, undefined]);
      if (kind === 0) return left > 0 ? { a: inner, b: item.value() } : { a: inner };
      if (kind === 1) return left > 0 ? [inner, item.value()] : inner;
      if (kind === 2) return left > 0 ? [item.value(), inner] : [inner];
      return { v: item.value(), ...(next !== undefined && { next }) };
    };
    return {
      passes: side(item.passes, kind),
      takes: side(item.takes, random.chance(0.8) ? kind : random.below(kinds.length)),
      value: () => grow(random.below(3)),
    };
  }

  /** A tree whose nodes refer to their own schema. */
  #tree(depth: number): Pair {
    const item = this.pair(depth - 1);
    const random = this.#random;
    const side = ({ schema, code }: Side, kind: number): Side => {
      const node: z.ZodType = z.lazy(() =>
        kind === 0
          ? z.object({ v: schema, next: node.nullable() })
          : kind === 1
            ? z.object({ v: schema, next: z.array(node).optional() })
            : z.object({ v: schema, next: z.union([node, z.null(), z.array(node)]) }),
      );
      return { schema: node, code: `tree${kind}(${code})` };
    };
    const kind = random.below(3);
    const value = (): unknown => {
      const grow = (left: number): unknown => ({
        v: item.value(),
        ...(kind === 1 ? left > 0 && { next: [grow(left - 1)] } : { next: left > 0 ? grow(left - 1) : null }),
      });
      return grow(random.below(3));
    };
    return {
      passes: side(item.passes, kind),
      takes: side(item.takes, random.chance(0.75) ? kind : random.below(3)),
      value,
    };
  }

  /** Both sides in a wrapper, mostly the same one. */
  #wrapped(pair: Pair): Pair {
    const random = this.#random;
    const kind = random.below(WRAPPERS.length);
    const passes = wrapped(pair.passes, kind, pair.value);
    const takes = random.chance(0.3)
      ? pair.takes
      : wrapped(pair.takes, random.chance(0.6) ? kind : random.below(WRAPPERS.length), pair.value);
    const value = (): unknown => {
      if (random.chance(0.15)) return random.pick([null, undefined]);
      return pair.value();
    };
    return { passes, takes, value };
  }
}

function plainTag(tag: string): Side {
  return { schema: z.literal(tag), code: `"${tag}"` };
}

function propertiesOf(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}
