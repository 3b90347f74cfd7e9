/** Finds the values that a function of the author, such as a default, may return. */
import { isDeepStrictEqual } from "node:util";
import {
  ABSENT,
  literal,
  NUMBER,
  objectOf,
  type Property,
  TEXT,
  type ValueSet,
} from "./value-set.ts";

/**
 * Returns the values that a function may return. A function may return a different value each time,
 * so the second of two calls has a later clock and other random numbers. Two different texts stand
 * for any text, two different numbers for any number. `why` describes any other result.
 */
export function valuesOf(read: (input: unknown) => unknown, why: string): ValueSet {
  try {
    const first = read(undefined);
    const second = withOtherSurroundings(() => read("another input"));
    if (isDeepStrictEqual(first, second)) return setOfValue(first);
    if (typeof first === "string" && typeof second === "string") return TEXT;
    if (typeof first === "number" && typeof second === "number") return NUMBER;
  } catch {
    // The values of a throwing function are unknown.
  }
  return { kind: "any", why };
}

/** Calls a function with a later clock and other random numbers, and restores both. */
function withOtherSurroundings<T>(use: () => T): T {
  const RealDate = globalThis.Date;
  const realRandom = Math.random;
  const shift = 97 * 86_400_000 + 12_345_678;
  class LaterDate extends RealDate {
    constructor(...given: readonly unknown[]) {
      super(given.length === 0 ? RealDate.now() + shift : Reflect.construct(RealDate, given));
    }
    static override now(): number {
      return RealDate.now() + shift;
    }
  }
  try {
    Reflect.set(globalThis, "Date", LaterDate);
    Math.random = () => (realRandom() + 0.377) % 1;
    return use();
  } finally {
    Reflect.set(globalThis, "Date", RealDate);
    Math.random = realRandom;
  }
}

/** Returns the set of one passed value, before encoding. Instances of classes are unknown. */
function setOfValue(value: unknown, depth = 0): ValueSet {
  if (value === undefined) return ABSENT;
  if (value === null || typeof value === "string" || typeof value === "boolean")
    return literal(value);
  if (typeof value === "number")
    return Number.isFinite(value) ? literal(value) : { kind: "lost", what: String(value) };
  if (typeof value !== "object" || depth > MAX_DEPTH) return { kind: "any", why: "a default" };
  if (Array.isArray(value)) {
    const first = value.map((item) => setOfValue(item, depth + 1));
    return { kind: "array", first, rest: null, min: first.length, max: first.length };
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return { kind: "any", why: "a default" };
  const entries = Object.entries(value).map(([key, one]): [string, ValueSet | Property] => {
    const set = setOfValue(one, depth + 1);
    return [key, one === undefined ? { set, mayBeAbsent: true } : set];
  });
  return objectOf(Object.fromEntries(entries));
}

/** Limit of nesting. Deeper values are unknown. */
const MAX_DEPTH = 20;
