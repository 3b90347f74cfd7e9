/**
 * Random pairs of schemas: what a parent passes and what its child takes. The child's schema is made beside the parent's, with
 * small differences, so that many pairs fit, many nearly do, and some do not.
 */
import { z } from "zod";
import { FORMATS, KEYS, NUMBERS, ODD, Random, TEXTS } from "./schema-samples.ts";

/** A pair of schemas with their code, and inputs that the parent's schema mostly accepts. */
export interface SchemaPair {
  readonly passes: z.ZodType;
  readonly takes: z.ZodType;
  readonly code: string;
  /** An input of the parent's schema. */
  value(): unknown;
}

/** One side of a pair. */
interface Side {
  readonly schema: z.ZodType;
  readonly code: string;
}

interface Pair {
  readonly passes: Side;
  readonly takes: Side;
  readonly value: () => unknown;
}

/** Makes the pair of a seed. */
export function schemaPair(seed: number): SchemaPair {
  const random = new Random(seed);
  const { passes, takes, value } = new PairMaker(random).pair(3);
  return { passes: passes.schema, takes: takes.schema, code: `${passes.code} -> ${takes.code}`, value };
}

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
    const one = this.#leafSide();
    if (this.#random.chance(0.75)) return { passes: one, takes: one, value: one.value };
    return { passes: one, takes: this.#leafSide(), value: one.value };
  }

  #leafSide(): Side & { readonly value: () => unknown } {
    const random = this.#random;
    switch (random.below(9)) {
      case 0:
      case 1:
        return this.#text();
      case 2:
      case 3:
        return this.#number();
      case 4:
        return { schema: z.boolean(), code: "z.boolean()", value: () => random.chance(0.5) };
      case 5: {
        const values = [random.pick(TEXTS), random.pick(NUMBERS), random.pick(["a", null, true, 1])];
        const some = values.slice(0, 1 + random.below(3));
        return { schema: z.literal(some), code: `z.literal(${JSON.stringify(some)})`, value: () => random.pick(some) };
      }
      case 6: {
        const names = ["a", "b", "c"].slice(0, 1 + random.below(3));
        return { schema: z.enum(names), code: `z.enum(${JSON.stringify(names)})`, value: () => random.pick(names) };
      }
      case 7: {
        const { code, schema, values } = random.pick(FORMATS);
        return { code, schema: schema(), value: () => random.pick(values) };
      }
      default: {
        const { code, schema, values } = random.pick(ODD);
        return { code, schema: schema(), value: () => random.pick(values) };
      }
    }
  }

  #text(): Side & { readonly value: () => unknown } {
    const random = this.#random;
    let schema = z.string();
    let code = "z.string()";
    for (let checks = random.below(3); checks > 0; checks -= 1) {
      const length = random.below(4);
      switch (random.below(6)) {
        case 0:
          schema = schema.min(length);
          code += `.min(${length})`;
          break;
        case 1:
          schema = schema.max(length + 2);
          code += `.max(${length + 2})`;
          break;
        case 2:
          schema = schema.trim();
          code += ".trim()";
          break;
        case 3:
          schema = schema.toLowerCase();
          code += ".toLowerCase()";
          break;
        case 4:
          schema = schema.length(length);
          code += `.length(${length})`;
          break;
        default:
          schema = schema.regex(/^\S*$/u);
          code += ".regex(/^\\S*$/u)";
      }
    }
    return { schema, code, value: () => random.pick(TEXTS) };
  }

  #number(): Side & { readonly value: () => unknown } {
    const random = this.#random;
    let schema = z.number();
    let code = "z.number()";
    for (let checks = random.below(3); checks > 0; checks -= 1) {
      const limit = random.pick([0, 1, 2, 3, 10]);
      switch (random.below(6)) {
        case 0:
          schema = schema.min(limit);
          code += `.min(${limit})`;
          break;
        case 1:
          schema = schema.max(limit);
          code += `.max(${limit})`;
          break;
        case 2:
          schema = schema.int();
          code += ".int()";
          break;
        case 3:
          schema = schema.gt(limit);
          code += `.gt(${limit})`;
          break;
        case 4:
          schema = schema.lt(limit);
          code += `.lt(${limit})`;
          break;
        default:
          schema = schema.multipleOf(limit + 1);
          code += `.multipleOf(${limit + 1})`;
      }
    }
    return { schema, code, value: () => random.pick(NUMBERS) };
  }

  #container(depth: number): Pair {
    switch (this.#random.below(10)) {
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
    const modes = [random.below(4), random.chance(0.7) ? 0 : random.below(4)];
    const side = (which: "passes" | "takes", of: typeof parts, mode = 0): Side => {
      const shape = Object.fromEntries(of.map(([name, pair]) => [name, pair[which].schema]));
      const code = `{${of.map(([name, pair]) => `${name}: ${pair[which].code}`).join(", ")}}`;
      if (mode === 1) return { schema: z.strictObject(shape), code: `z.strictObject(${code})` };
      if (mode === 2) return { schema: z.looseObject(shape), code: `z.looseObject(${code})` };
      if (mode === 3)
        return { schema: z.object(shape).catchall(z.number()), code: `z.object(${code}).catchall(z.number())` };
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
      Object.fromEntries(["a", "b", "c", "10"].filter(() => random.chance(0.6)).map((key) => [key, item.value()]));
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
      const objects = options.map(([tag, pair]) => z.object({ tag: z.literal(tag), v: pair[which].schema }));
      const [first, ...others] = objects;
      if (first === undefined) throw new Error("a union has an option");
      const code = options.map(([tag, pair]) => `z.object({tag: "${tag}", v: ${pair[which].code}})`).join(", ");
      return isUnion
        ? { schema: z.discriminatedUnion("tag", [first, ...others]), code: `z.discriminatedUnion("tag", [${code}])` }
        : { schema: z.union(objects), code: `z.union([${code}])` };
    };
    const value = (): unknown => {
      const [tag, pair] = random.pick(options);
      return { tag, v: pair.value() };
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
    const kind = random.below(14);
    const passes = this.#wrapper(pair.passes, kind, pair.value);
    const takes = random.chance(0.3)
      ? pair.takes
      : this.#wrapper(pair.takes, random.chance(0.6) ? kind : random.below(14), pair.value);
    const value = (): unknown => {
      if (random.chance(0.15)) return random.pick([null, undefined]);
      return pair.value();
    };
    return { passes, takes, value };
  }

  #wrapper({ schema, code }: Side, kind: number, value: () => unknown): Side {
    switch (kind) {
      case 0:
      case 1:
        return { schema: schema.optional(), code: `${code}.optional()` };
      case 2:
        return { schema: schema.nullable(), code: `${code}.nullable()` };
      case 3:
        return { schema: schema.nullish(), code: `${code}.nullish()` };
      case 4: {
        const given = parsedBy(schema, value());
        return { schema: schema.default(() => given), code: `${code}.default(${shown(given)})` };
      }
      case 5: {
        const given = value();
        return { schema: schema.prefault(() => given), code: `${code}.prefault(${shown(given)})` };
      }
      case 6: {
        const given = value();
        return { schema: schema.catch(given), code: `${code}.catch(${shown(given)})` };
      }
      case 7:
        return { schema: z.exactOptional(schema), code: `z.exactOptional(${code})` };
      case 8:
        return { schema: schema.optional().nonoptional(), code: `${code}.optional().nonoptional()` };
      case 9:
        return { schema: schema.readonly(), code: `${code}.readonly()` };
      case 10:
        return { schema: schema.brand("b"), code: `${code}.brand("b")` };
      case 11:
        return { schema: schema.pipe(schema), code: `${code}.pipe(the same)` };
      case 12:
        return { schema: schema.refine((one) => JSON.stringify(one)?.length !== 3), code: `${code}.refine(fn)` };
      default:
        return { schema: z.lazy(() => schema), code: `z.lazy(() => ${code})` };
    }
  }
}

/** What the schema makes of a value; null if it refuses it. */
function parsedBy(schema: z.ZodType, value: unknown): unknown {
  try {
    return schema.safeParse(value).data ?? null;
  } catch {
    return null;
  }
}

function propertiesOf(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}

function shown(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "undefined";
  } catch {
    return "…";
  }
}
