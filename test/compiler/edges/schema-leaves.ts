/** Random schemas without parts. */
import { z } from "zod";
import { FORMATS, NUMBERS, ODD, type Random, type Side, TEXTS } from "./schema-samples.ts";

/** A schema with inputs that it mostly accepts. */
export interface Leaf extends Side {
  readonly value: () => unknown;
}

/** A schema without parts, and inputs that it mostly accepts. */
export function leaf(random: Random): Leaf {
  switch (random.below(9)) {
    case 0:
    case 1:
      return text(random);
    case 2:
    case 3:
      return number(random);
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

function text(random: Random): Leaf {
  let schema = z.string();
  let code = "z.string()";
  for (let checks = random.below(3); checks > 0; checks -= 1) {
    const length = random.below(4);
    switch (random.below(12)) {
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
      case 5:
        schema = schema.toUpperCase();
        code += ".toUpperCase()";
        break;
      case 6:
        schema = schema.normalize("NFC");
        code += '.normalize("NFC")';
        break;
      case 7:
        schema = schema.startsWith("a");
        code += '.startsWith("a")';
        break;
      case 8:
        schema = schema.endsWith("b");
        code += '.endsWith("b")';
        break;
      case 9:
        schema = schema.overwrite((given) => given.slice(0, 2));
        code += ".overwrite((t) => t.slice(0, 2))";
        break;
      case 10:
        schema = schema.lowercase();
        code += ".lowercase()";
        break;
      default:
        schema = schema.regex(/^\S*$/u);
        code += ".regex(/^\\S*$/u)";
    }
  }
  return { schema, code, value: () => random.pick(TEXTS) };
}

function number(random: Random): Leaf {
  let schema = z.number();
  let code = "z.number()";
  for (let checks = random.below(3); checks > 0; checks -= 1) {
    const limit = random.pick([0, 1, 2, 3, 10]);
    switch (random.below(10)) {
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
      case 5:
        schema = schema.negative();
        code += ".negative()";
        break;
      case 6:
        schema = schema.multipleOf(0.1);
        code += ".multipleOf(0.1)";
        break;
      case 7:
        schema = schema.overwrite(Math.round);
        code += ".overwrite(Math.round)";
        break;
      case 8:
        schema = schema.nonnegative();
        code += ".nonnegative()";
        break;
      default:
        schema = schema.multipleOf(limit + 1);
        code += `.multipleOf(${limit + 1})`;
    }
  }
  return { schema, code, value: () => random.pick(NUMBERS) };
}
