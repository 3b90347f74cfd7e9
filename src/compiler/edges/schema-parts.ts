/**
 * Access to the parts of zod schemas for both readers. Only the parts that zod documents for
 * libraries are read, but for the bag of `z.instanceof`.
 */
import { Buffer } from "node:buffer";
import type { core } from "zod";
import type { StandardSchema } from "../../domain/standard-schema.ts";
import { resolved, type ValueSet } from "./value-set.ts";

/** Returns the part of a schema for libraries: definition, traits, optionality. */
export function internalsOf(schema: core.$ZodType): core.$ZodType["_zod"] {
  const { _zod: internals } = schema;
  return internals;
}

/** Returns the definition of a schema, as a union discriminated by `type`. */
export function definitionOf(schema: core.$ZodType): Definition {
  // Zod's own type of a definition has only the common keys of all definitions.
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return internalsOf(schema).def as Definition;
}

/** The definitions of all schemas of zod. */
type Definition = core.$ZodTypes["_zod"]["def"];

/** Returns the schema behind a lazy schema. */
export function innerOfLazy(schema: core.$ZodType): core.$ZodType {
  const inner: unknown = Reflect.get(internalsOf(schema), "innerType");
  if (isZod(inner)) return inner;
  throw new Error("a lazy schema has no schema behind it");
}

/** Tests if a value is a schema of zod 4, from any package of zod (classic, mini, core). */
export function isZod(schema: unknown): schema is core.$ZodType {
  if (typeof schema !== "object" || schema === null || !("_zod" in schema)) return false;
  const { _zod: internals } = schema;
  return typeof internals === "object" && internals !== null && "def" in internals;
}

/** Returns the properties of Standard Schema, of any library; null without the interface. */
export function standardOf(schema: unknown): StandardSchema["~standard"] | null {
  // The schemas of some libraries are functions.
  if ((typeof schema !== "object" && typeof schema !== "function") || schema === null) return null;
  return isStandard(schema) ? schema["~standard"] : null;
}

function isStandard(schema: object): schema is StandardSchema {
  const standard: unknown = Reflect.get(schema, "~standard");
  return typeof standard === "object" && standard !== null && "validate" in standard;
}

/** Tests if every object inherits a name. Zod finds the inherited value in an empty object. */
export function isInherited(name: string): boolean {
  return name in Object.prototype;
}

/** Tests if a set contains undefined. "unsure": only the schema can tell. */
export function containsAbsent(set: ValueSet, depth = 0): boolean | "unsure" {
  const found = resolved(set);
  if (found === null || depth > MAX_DEPTH) return "unsure";
  const inside = (sets: readonly ValueSet[]): (boolean | "unsure")[] =>
    sets.map((one) => containsAbsent(one, depth + 1));
  if (found.kind === "any" || found.kind === "absent") return true;
  if (found.kind === "unsure")
    return containsAbsent(found.within, depth + 1) === false ? false : "unsure";
  if (found.kind !== "union" && found.kind !== "every") return false;
  const each = inside(found.kind === "union" ? found.members : found.parts);
  const decisive = found.kind === "union";
  if (each.includes(decisive)) return decisive;
  return each.includes("unsure") ? "unsure" : !decisive;
}

/** Limit of nesting. The answer about deeper sets is unsure. */
const MAX_DEPTH = 50;

/** The classes of bytes that a payload keeps, by their names in the codec. */
const FORMS: Readonly<Record<string, new (...given: never) => unknown>> = {
  ArrayBuffer,
  Buffer,
  DataView,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  Blob,
};

/**
 * Returns the forms whose values are instances of a class. `Float16Array` is left out: not every
 * runtime of the check has the class.
 */
export function formsOf(wanted: unknown): string[] {
  if (typeof wanted !== "function") return [];
  return Object.entries(FORMS)
    .filter(([, form]) => form === wanted || form.prototype instanceof wanted)
    .map(([name]) => name);
}

/** Returns the form of a class of bytes, or of a subclass. Null for any other class. */
export function formOfClass(given: unknown): string | null {
  if (typeof given !== "function") return null;
  const entries = Object.entries(FORMS).toReversed();
  const isSame = entries.find(([, form]) => form === given);
  const base = entries.find(([, form]) => Reflect.get(given, "prototype") instanceof form);
  return (isSame ?? base)?.[0] ?? null;
}

/** Returns the class that `z.instanceof` names; null for another schema. */
export function instanceClass(schema: core.$ZodType): unknown {
  return Reflect.get(internalsOf(schema).bag, "Class") ?? null;
}

/**
 * Returns the keys that a schema lists, such as those of an enum; null if it lists none. A schema
 * that may turn a listed key into another one, such as a pipe or a catch, counts as none.
 */
export function keyNames(schema: core.$ZodType): (string | number)[] | null {
  const { values } = internalsOf(schema);
  if (values === undefined || !isList(schema)) return null;
  return [...values].filter((key) => typeof key === "string" || typeof key === "number");
}

/** Tests if a schema consists of enums and literals alone. */
function isList(schema: core.$ZodType): boolean {
  const def = definitionOf(schema);
  if (def.type === "union") return def.options.every(isList);
  if (def.type === "optional" || def.type === "nullable" || def.type === "readonly")
    return isList(def.innerType);
  return def.type === "enum" || def.type === "literal";
}

/** The names of values that no payload can hold, by the type of their schema. */
export const LOST_TYPES: Readonly<Record<string, string>> = {
  bigint: "a BigInt",
  symbol: "a symbol",
  date: "a Date",
  map: "a Map",
  set: "a Set",
  nan: "NaN",
  function: "a function",
};

/** Limit of nested schemas. Both readers are recursive. */
export const MAX_NESTING = 400;
