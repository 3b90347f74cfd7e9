/** Finds sets that share no value. */
import { isAccepted, isApart } from "./compare-leaves.ts";
import { type ArraySet, type ObjectSet, resolved, type ValueSet } from "./value-set.ts";

/** True if no value is in both sets. False: perhaps one is. */
export function areDisjoint(left: ValueSet, right: ValueSet, depth = 0): boolean {
  const [a, b] = [resolved(left), resolved(right)];
  if (a === null || b === null || depth > MAX_DEPTH) return false;
  const every = (sets: readonly ValueSet[], other: ValueSet): boolean =>
    sets.every((set) => areDisjoint(set, other, depth + 1));
  if (a.kind === "union") return every(a.members, b);
  if (b.kind === "union") return every(b.members, a);
  if (a.kind === "unsure") return areDisjoint(a.within, b, depth + 1);
  if (b.kind === "unsure") return areDisjoint(a, b.within, depth + 1);
  if (a.kind === "every") return a.parts.some((part) => areDisjoint(part, b, depth + 1));
  if (b.kind === "every") return b.parts.some((part) => areDisjoint(a, part, depth + 1));
  if (a.kind === "none" || b.kind === "none" || a.kind === "lost" || b.kind === "lost") return true;
  if (a.kind === "any" || b.kind === "any") return false;
  if (a.kind === "literal") return isAccepted(a.value, b) === false;
  if (b.kind === "literal") return isAccepted(b.value, a) === false;
  if (a.kind === "number" && b.kind === "number") return isApart(a, b);
  if (a.kind === "array" && b.kind === "array") return areArraysDisjoint(a, b, depth + 1);
  if (a.kind === "object" && b.kind === "object") return areObjectsDisjoint(a, b, depth + 1);
  if (a.kind === "bytes" && b.kind === "bytes")
    return !a.forms.some((form) => b.forms.includes(form));
  // Zod may take bytes for an object.
  const kinds = [a.kind, b.kind];
  if (kinds.includes("object") && (kinds.includes("bytes") || kinds.includes("stream")))
    return false;
  return a.kind !== b.kind;
}

/** Limit of nesting; deeper sets count as sharing a value. */
const MAX_DEPTH = 20;

/** Arrays share nothing if their lengths, or items that both have, share nothing. */
function areArraysDisjoint(a: ArraySet, b: ArraySet, depth: number): boolean {
  if (a.min > b.max || b.min > a.max) return true;
  const certain = Math.min(MAX_DEPTH, Math.max(a.min, b.min));
  return Array.from({ length: certain }).some((_, index) => {
    const [one, other] = [a.first[index] ?? a.rest, b.first[index] ?? b.rest];
    return one !== null && other !== null && areDisjoint(one, other, depth);
  });
}

/** Objects share nothing if a property that one requires cannot be what the other says. */
function areObjectsDisjoint(a: ObjectSet, b: ObjectSet, depth: number): boolean {
  return (
    [...a.properties].some(([name, one]) => {
      const other = b.properties.get(name);
      const isRequired = one.mayBeAbsent === false;
      if (other === undefined) return isRequired && b.others.type === "none";
      return (isRequired || other.mayBeAbsent === false) && areDisjoint(one.set, other.set, depth);
    }) ||
    [...b.properties].some(
      ([name, other]) =>
        other.mayBeAbsent === false && !a.properties.has(name) && a.others.type === "none",
    )
  );
}
