/** Sets that schemas of single kinds accept: literals, keys, conversions, options with a tag. */
import type { Step } from "./schema-checks.ts";
import {
  ABSENT,
  ANY,
  literal,
  type ObjectSet,
  resolved,
  TEXT,
  unionOf,
  type ValueSet,
} from "./value-set.ts";

/** An unknown part of a set. */
export function unsure(within: ValueSet, why: string): ValueSet {
  return { kind: "unsure", within, why };
}

/** The empty set of a schema that accepts no payload. */
export function none(what: string): ValueSet {
  return { kind: "none", what };
}

/** The objects with keys and values of the given sets. */
export function recordOf(keys: ValueSet, values: ValueSet): ObjectSet {
  return {
    kind: "object",
    properties: new Map(),
    others: { type: "each", keys, values },
    isKeyed: false,
  };
}

/** Returns the set of a coercion: values of the type, and values that surely convert to it. */
export function coerced(
  own: ValueSet,
  steps: readonly Step[],
  others: readonly ValueSet[],
): ValueSet {
  const converted = steps.length === 0 ? others : [];
  return unionOf([own, ...converted, unsure(ANY, "a conversion")]);
}

/** Returns the set of a literal. A literal outside of JSON accepts no payload. */
export function takenLiteral(value: unknown): ValueSet {
  if (value === undefined) return ABSENT;
  if (typeof value === "bigint") return none("a BigInt");
  if (typeof value === "number" && !Number.isFinite(value)) return none(String(value));
  return value === null || typeof value === "string" || typeof value === "boolean"
    ? literal(value)
    : typeof value === "number"
      ? literal(value)
      : none("a symbol");
}

/** Returns an option of a discriminated union. Zod finds the option by its required tag. */
export function tagged(member: ValueSet, tag: string): ValueSet {
  if (member.kind === "union") return unionOf(member.members.map((one) => tagged(one, tag)));
  const property = member.kind === "object" ? member.properties.get(tag) : undefined;
  return property?.mayBeAbsent === false && isListed(property.set)
    ? member
    : unsure(member, "an option whose tag may be absent, or another one");
}

/** Tests if a set lists its values. */
function isListed(set: ValueSet): boolean {
  const found = resolved(set);
  return found?.kind === "union" ? found.members.every(isListed) : found?.kind === "literal";
}

/** Returns the keys that a schema accepts. A schema of numbers accepts numeric texts. */
export function textKeys(set: ValueSet): ValueSet {
  if (set.kind === "number") return unsure(TEXT, "keys that are numbers");
  if (set.kind === "literal" && typeof set.value === "number")
    return NUMERIC.test(String(set.value)) ? literal(String(set.value)) : none("such a key");
  if (set.kind === "literal" && typeof set.value !== "string") return none("such a key");
  return set.kind === "union" ? unionOf(set.members.map(textKeys)) : set;
}

/** The texts that zod reads as numbers where they are keys. */
export const NUMERIC = /^-?\d+(?:\.\d+)?$/;
