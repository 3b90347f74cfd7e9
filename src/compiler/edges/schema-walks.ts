/** Walks through the parts of a schema: may its parse throw, and does it return its input? */
import type { core } from "zod";
import { isAnyForeign, type Step, stepsOf } from "./schema-checks.ts";
import { definitionOf, innerOfLazy, instanceClass, internalsOf, isZod } from "./schema-parts.ts";

/** The types that look at parts of a value. */
export const STRUCTURES: ReadonlySet<string> = new Set(["object", "array", "record", "tuple"]);

/** Tests if a schema converts its input first, as `z.coerce` does. */
export function isCoerced(def: object): boolean {
  return Reflect.get(def, "coerce") === true;
}

/**
 * Tests if a parse may throw. Zod throws where the sides of an intersection cannot be merged, and
 * where a readonly value cannot be frozen. A transform gets any value, and `Number` throws for some
 * objects. A schema that reaches itself before any part of the value never ends. Refinements get
 * values of their schema's type, and count as safe.
 */
export function mayThrow(schema: core.$ZodType): boolean {
  return someSchema(schema, mayThrowItself, THROWING);
}

function mayThrowItself(schema: core.$ZodType): boolean {
  return throwsItself(schema) || consistsOfItself(schema);
}

/** Tests if a parse may be asynchronous: a function of the author may return a promise. */
export function mayBeAsync(schema: core.$ZodType): boolean {
  return someSchema(schema, isAsyncItself, ASYNC);
}

function isAsyncItself(schema: core.$ZodType): boolean {
  const { type, checks = [] } = definitionOf(schema);
  const hasRefinement = checks.some(({ _zod: { def } }) => def.check === "custom");
  return ["promise", "transform", "custom"].includes(type) || hasRefinement;
}

/**
 * Tests if a schema has too many parts for the check. A getter with a new schema for each call
 * leads to parts without end.
 */
export function isTooLarge(schema: core.$ZodType): boolean {
  const seen = new Set([schema]);
  for (const one of seen) {
    if (seen.size > MAX_SCHEMAS) return true;
    for (const part of partsOf(one)) seen.add(part);
  }
  return false;
}

/** Limit of the parts of a schema, far above the schema of any payload. */
const MAX_SCHEMAS = 20_000;

/** Tests if a parse may throw in the schema itself, apart from its parts. */
function throwsItself(schema: core.$ZodType): boolean {
  const def = definitionOf(schema);
  if (def.type === "transform") return true;
  if (def.type === "intersection" && !(isPlain(def.left) && isPlain(def.right))) return true;
  if (def.type === "union" && hasEqualTags(schema)) return true;
  if (def.type === "readonly" && !FROZEN.has(definitionOf(def.innerType).type)) return true;
  if (def.type === "custom" && instanceClass(schema) === null) return true;
  const steps = stepsOf(schema);
  // A check may expect another type, such as a text that can be trimmed.
  if (isAnyForeign(def.type, steps)) return true;
  // A refinement of the author gets any value here, and may expect another one.
  const getsAny = def.type === "any" || def.type === "unknown" || def.type === "custom";
  return getsAny && steps.length > 0;
}

/** Tests if two options of a discriminated union have a tag in common. Zod throws for both. */
export function hasEqualTags(schema: core.$ZodType): boolean {
  const def = definitionOf(schema);
  // Only a discriminated union has the property.
  const tag: unknown = Reflect.get(def, "discriminator");
  if (def.type !== "union" || typeof tag !== "string") return false;
  const tags = def.options.flatMap((option) => [...tagsOf(option, tag)]);
  return new Set(tags).size < tags.length;
}

/** Returns the values of an option's tag. An option that cannot tell them has an unknown one. */
function tagsOf(option: core.$ZodType, tag: string): Iterable<unknown> {
  try {
    return internalsOf(option).propValues?.[tag] ?? [undefined, undefined];
  } catch {
    return [undefined, undefined];
  }
}

/** Tests if a schema reaches itself without a look at a part of the value. */
function consistsOfItself(schema: core.$ZodType): boolean {
  const inner = (one: core.$ZodType): core.$ZodType[] =>
    STRUCTURES.has(definitionOf(one).type) ? [] : partsOf(one);
  const seen = new Set<core.$ZodType>();
  const open = inner(schema);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === schema) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    open.push(...inner(next));
  }
  return false;
}

/** Answers of earlier tests, by schema. */
type Answers = WeakMap<core.$ZodType, boolean>;
const THROWING: Answers = new WeakMap();
const ASYNC: Answers = new WeakMap();

/**
 * Tests a schema and all parts. Each schema is tested once; with `answers` once over several calls,
 * since a union asks about each option.
 */
export function someSchema(
  schema: core.$ZodType,
  test: (one: core.$ZodType) => boolean,
  answers: Answers = new WeakMap(),
): boolean {
  const seen = new Set([schema]);
  for (const one of seen) {
    const known = answers.get(one);
    if (known === false) continue;
    if (known === true || test(one)) {
      answers.set(one, true);
      answers.set(schema, true);
      return true;
    }
    for (const part of partsOf(one)) seen.add(part);
  }
  // No part passes the test.
  for (const one of seen) answers.set(one, false);
  return false;
}

/** Returns the schemas in a definition: alone, in a list, or as named properties. */
export function partsOf(schema: core.$ZodType): core.$ZodType[] {
  const def = definitionOf(schema);
  if (def.type === "lazy") return [innerOfLazy(schema)];
  const checks = (def.checks ?? []).map(({ _zod: check }) => check.def);
  const parts = [def, ...checks].flatMap((one) =>
    Object.values(one).flatMap((part: unknown): unknown[] =>
      typeof part === "object" && part !== null && !isZod(part) ? Object.values(part) : [part],
    ),
  );
  // A check has a definition too, and no type.
  return parts.filter(
    (part): part is core.$ZodType => isZod(part) && typeof definitionOf(part).type === "string",
  );
}

/** Types whose values can be frozen. */
const FROZEN: ReadonlySet<string> = new Set(
  "string number boolean null literal enum array object record tuple template_literal".split(" "),
);

/** The types of schemas that return their input: both sides of an intersection then agree. */
const PLAIN: ReadonlySet<string> = new Set(
  "string number boolean null undefined literal enum any unknown array object union optional nullable tuple template_literal lazy never".split(
    " ",
  ),
);

/** Tests if a parse changes nothing. Removing unnamed properties does not count as a change. */
export function isPlain(schema: core.$ZodType): boolean {
  return !someSchema(schema, (one) => {
    const def = definitionOf(one);
    if (!PLAIN.has(def.type) || isCoerced(def)) return true;
    const changes = ({ type, ...step }: Step): boolean =>
      type === "change" || ("mayReplace" in step && step.mayReplace);
    if (stepsOf(one).some(changes)) return true;
    if (def.type === "object") return def.catchall !== undefined;
    return def.type === "union" && internalsOf(one).traits.has("$ZodXor");
  });
}
