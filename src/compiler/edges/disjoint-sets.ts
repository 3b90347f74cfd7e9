/**
 * Finds pairs of sets without a common value. The comparison needs the answer for a parent with a
 * refinement: a misfit is certain only if no value of the parent fits.
 */
import { isAccepted, isApart } from "./compare-leaves.ts";
import { type ArraySet, type ObjectSet, resolved, type ValueSet } from "./value-set.ts";

/** Tests if two sets have no common value. False: the sets may have a common value. */
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
  // Zod may accept bytes as an object.
  const kinds = [a.kind, b.kind];
  if (kinds.includes("object") && (kinds.includes("bytes") || kinds.includes("stream")))
    return false;
  return a.kind !== b.kind;
}

/** Limit of nesting. Deeper sets count as sets with a common value. */
const MAX_DEPTH = 20;

/** Arrays are disjoint if their lengths, or the sets of a certain item, are disjoint. */
function areArraysDisjoint(a: ArraySet, b: ArraySet, depth: number): boolean {
  if (a.min > b.max || b.min > a.max) return true;
  // Every common array has at least so many items.
  const certain = Math.min(MAX_DEPTH, Math.max(a.min, b.min));
  return Array.from({ length: certain }).some((_, index) => {
    const [one, other] = [a.first[index] ?? a.rest, b.first[index] ?? b.rest];
    return one !== null && other !== null && areDisjoint(one, other, depth);
  });
}

/** Objects are disjoint if a required property of one side has disjoint or no values opposite. */
function areObjectsDisjoint(a: ObjectSet, b: ObjectSet, depth: number): boolean {
  return (
    [...a.properties].some(([name, one]) => {
      const other = b.properties.get(name);
      const isRequired = one.mayBeAbsent === false;
      if (other === undefined) return isRequired && namesAll(b);
      return (isRequired || other.mayBeAbsent === false) && areDisjoint(one.set, other.set, depth);
    }) ||
    [...b.properties].some(
      ([name, other]) => other.mayBeAbsent === false && !a.properties.has(name) && namesAll(a),
    )
  );
}

/** True if a property that is not named counts as absent. */
function namesAll({ others }: ObjectSet): boolean {
  return others.type === "none" || others.type === "unsure";
}
