/**
 * Finds values in a task's output that no payload can hold. The codec refuses such values at run
 * time, so a declared output with one is an error of the check.
 */
import { resolved, type ValueSet } from "./value-set.ts";

/** A value that no payload can hold. */
export interface LostValue {
  /** The path from the payload: property names, and `[]` for items. */
  readonly path: readonly string[];
  /** The kind of the value, such as "a Date". */
  readonly what: string;
}

/** The usual substitutes, by kind of value. */
const ADVICE: Readonly<Record<string, string>> = {
  "a Date": "pass toISOString()",
  "a BigInt": "pass it as a text",
  "a Map": "pass Object.fromEntries()",
  "a Set": "pass an array",
  NaN: "pass null",
  undefined: "pass null",
};

/** Returns the usual substitute for a kind of value; null if unknown. */
export function adviceFor(what: string): string | null {
  return ADVICE[what] ?? null;
}

/** Returns the first value that is lost. `isWhole`: the place may hold bytes or a stream. */
export function lostValue(set: ValueSet, isWhole: boolean): LostValue | null {
  return find(set, isWhole, false, new Set());
}

/** Searches a set. A recursive set is searched once. `isItem`: undefined is lost in arrays. */
function find(
  set: ValueSet,
  isWhole: boolean,
  isItem: boolean,
  seen: Set<ValueSet>,
): LostValue | null {
  const found = resolved(set);
  if (found === null || seen.has(found)) return null;
  if (found.kind === "lost") return { path: [], what: found.what };
  if (found.kind === "absent" && isItem) return { path: [], what: "undefined" };
  if (found.kind === "bytes" && !isWhole) return { path: [], what: "bytes" };
  if (found.kind === "stream" && !isWhole) return { path: [], what: "a stream" };
  if (found.kind === "unsure") return find(found.within, isWhole, isItem, seen);
  if (found.kind === "union")
    return firstOf(found.members, (member) => find(member, isWhole, isItem, seen));
  if (found.kind === "array") {
    seen.add(found);
    const items = found.rest === null ? found.first : [...found.first, found.rest];
    return at(
      "[]",
      firstOf(items, (item) => find(item, false, true, seen)),
    );
  }
  if (found.kind !== "object") return null;
  seen.add(found);
  // JSON leaves out a property that is undefined, so undefined is no loss here.
  const named = firstOf([...found.properties], ([name, { set: value }]) =>
    at(name, find(value, false, false, seen)),
  );
  if (named !== null || found.others.type !== "each") return named;
  return at("[key]", find(found.others.values, false, false, seen));
}

/** Returns the first lost value among several sets. */
function firstOf<T>(items: readonly T[], look: (item: T) => LostValue | null): LostValue | null {
  for (const item of items) {
    const found = look(item);
    if (found !== null) return found;
  }
  return null;
}

/** Prepends a step to the path of a lost value. */
function at(step: string, found: LostValue | null): LostValue | null {
  return found === null ? null : { ...found, path: [step, ...found.path] };
}
