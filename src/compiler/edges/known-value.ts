/** Finds the values that a function of the author, such as a default, may return. */
import { isDeepStrictEqual } from "node:util";
import {
  ABSENT,
  BOOLEAN,
  literal,
  NUMBER,
  objectOf,
  type Property,
  TEXT,
  type ValueSet,
} from "./value-set.ts";

/**
 * Returns the values that a function may return. A function may return a different value each time:
 * further calls have a later clock, a new random number and a new input. Different texts stand for
 * an unknown part of all texts, different numbers for an unknown part of all numbers. `why`
 * describes any further result.
 */
export function valuesOf(read: (input: unknown) => unknown, why: string): ValueSet {
  try {
    const first = read(undefined);
    const others = Array.from({ length: CALLS }, (_, index) =>
      withOtherSurroundings(index, () => read("another input")),
    );
    if (others.every((value) => isDeepStrictEqual(first, value))) return setOfValue(first);
    const all = [first, ...others];
    const part = (within: ValueSet): ValueSet => ({ kind: "unsure", within, why });
    if (all.every((value) => typeof value === "string")) return part(TEXT);
    if (all.every((value) => typeof value === "number")) return part(NUMBER);
    if (all.every((value) => typeof value === "boolean")) return BOOLEAN;
  } catch {
    // The values of a throwing function are unknown.
  }
  return { kind: "any", why };
}

/** The number of calls after the first. */
const CALLS = 8;
/** The step of the clock from call to call, through hours, weekdays and months. */
const STEP_MS = 41 * 86_400_000 + 11_145_678;

/** Calls a function with a later clock and another random number, and restores both. */
function withOtherSurroundings<T>(index: number, use: () => T): T {
  const RealDate = globalThis.Date;
  const realRandom = Math.random;
  const shift = (index + 1) * STEP_MS;
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
    // A second number is random: a loop in the function may wait for a new number.
    const numbers = [Math.min(index / (CALLS - 1), 1 - 2 ** -32)];
    Math.random = () => numbers.pop() ?? realRandom();
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
