/** Parts of zod schemas that the readers of both directions use. */
import { Buffer } from "node:buffer";
import type { core } from "zod";
import { resolved, type ValueSet } from "./value-set.ts";

/** The part of a schema that zod documents for libraries: definition, traits, optionality. */
export function internalsOf(schema: core.$ZodType): core.$ZodType["_zod"] {
  const { _zod: internals } = schema;
  return internals;
}

/** The definition of a schema, which can be told apart by its type. */
export function definitionOf(schema: core.$ZodType): Definition {
  // Zod types the definition of a schema of unknown type as what all definitions share.
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return internalsOf(schema).def as Definition;
}

type Definition = core.$ZodTypes["_zod"]["def"];

/** The schema behind a lazy one. */
export function innerOfLazy(schema: core.$ZodType): core.$ZodType {
  const inner: unknown = Reflect.get(internalsOf(schema), "innerType");
  if (isZod(inner)) return inner;
  throw new Error("a lazy schema has no schema behind it");
}

/** True for schemas of zod 4, of any of its packages. */
export function isZod(schema: unknown): schema is core.$ZodType {
  if (typeof schema !== "object" || schema === null || !("_zod" in schema)) return false;
  const { _zod: internals } = schema;
  return typeof internals === "object" && internals !== null && "def" in internals;
}

/** Names that every object inherits: zod finds a value there also if none was sent. */
export function isInherited(name: string): boolean {
  return name in Object.prototype;
}

/** Tests if a set contains undefined. */
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

const MAX_DEPTH = 50;

/** The classes of bytes that a payload keeps, by the names that the codec gives them. */
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
 * The forms whose values are instances of a class. `Float16Array` is left out: not every runtime
 * that checks a project has it.
 */
export function formsOf(wanted: unknown): string[] {
  if (typeof wanted !== "function") return [];
  return Object.entries(FORMS)
    .filter(([, form]) => form === wanted || form.prototype instanceof wanted)
    .map(([name]) => name);
}

/** The form of instances of a class that extends, or is, a class of bytes. Null for other classes. */
export function formOfClass(given: unknown): string | null {
  if (typeof given !== "function") return null;
  const entries = Object.entries(FORMS).toReversed();
  const isSame = entries.find(([, form]) => form === given);
  const base = entries.find(([, form]) => Reflect.get(given, "prototype") instanceof form);
  return (isSame ?? base)?.[0] ?? null;
}

/** The class that `z.instanceof` names, or null. */
export function instanceClass(schema: core.$ZodType): unknown {
  return Reflect.get(internalsOf(schema).bag, "Class") ?? null;
}

/** Names of values that no payload holds, by the type of their schema. */
export const LOST_TYPES: Readonly<Record<string, string>> = {
  bigint: "a BigInt",
  symbol: "a symbol",
  date: "a Date",
  map: "a Map",
  set: "a Set",
  nan: "NaN",
  function: "a function",
};
