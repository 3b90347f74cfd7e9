/** Finds values in what a task passes that no payload can hold. */
import { resolved, type ValueSet } from "./value-set.ts";

/** A place in a set, and the kind of its value. */
export interface LostValue {
  readonly path: readonly string[];
  readonly what: string;
}

const ADVICE: Readonly<Record<string, string>> = {
  "a Date": "pass toISOString()",
  "a BigInt": "pass it as a text",
  "a Map": "pass Object.fromEntries()",
  "a Set": "pass an array",
  NaN: "pass null",
  undefined: "pass null",
};

/** Returns the usual substitute for a value; null without one. */
export function adviceFor(what: string): string | null {
  return ADVICE[what] ?? null;
}

/** Returns the first such value. `isWhole`: bytes and streams may be passed there. */
export function lostValue(set: ValueSet, isWhole: boolean): LostValue | null {
  return find(set, isWhole, false, new Set());
}

/** Searches a set; sets that contain themselves are searched once. */
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
  const named = firstOf([...found.properties], ([name, { set: value }]) =>
    at(name, find(value, false, false, seen)),
  );
  if (named !== null || found.others.type !== "each") return named;
  return at("[key]", find(found.others.values, false, false, seen));
}

/** The first value that is found in a list. */
function firstOf<T>(items: readonly T[], look: (item: T) => LostValue | null): LostValue | null {
  for (const item of items) {
    const found = look(item);
    if (found !== null) return found;
  }
  return null;
}

function at(step: string, found: LostValue | null): LostValue | null {
  return found === null ? null : { ...found, path: [step, ...found.path] };
}
