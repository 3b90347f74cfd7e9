/**
 * Sets of payload values, as schemas and types describe them. A set may contain a `reference` to
 * itself. Sets are plain data: one process can send a set to another.
 *
 * The same sets describe both ends of an edge. The set of a parent has at least every value that
 * the parent may pass. The set of a child has only values that the child accepts. Members marked
 * `unsure` are the exception: the child accepts an unknown part of them.
 */

/** A set of values. */
export type ValueSet =
  /** Every value. `why`: the reason why a parent's values are unknown; null in a child's set. */
  | { readonly kind: "any"; readonly why: string | null }
  /** Empty. `what`: the declared kind of value, which no payload can be. */
  | { readonly kind: "none"; readonly what: string }
  /** Only undefined: an omitted property, or no payload at all. */
  | { readonly kind: "absent" }
  /** A single JSON value. */
  | { readonly kind: "literal"; readonly value: string | number | boolean | null }
  | NumberSet
  | TextSet
  | ArraySet
  | ObjectSet
  /** Bytes, by the forms that the payload codec keeps. */
  | { readonly kind: "bytes"; readonly forms: readonly string[] }
  /** A stream of bytes. */
  | { readonly kind: "stream" }
  /** The values of all members. Without a member, the set is empty. */
  | { readonly kind: "union"; readonly members: readonly ValueSet[] }
  /** The intersection of all parts. */
  | { readonly kind: "every"; readonly parts: readonly ValueSet[] }
  /** An unknown part of `within`. */
  | UnsureSet
  /** Values that no payload can hold, such as dates. The codec refuses to encode them. */
  | { readonly kind: "lost"; readonly what: string }
  | Reference;

/** A link to a set that is completed later. Recursive schemas need references. */
export interface Reference {
  readonly kind: "reference";
  to: ValueSet | null;
}

/** An unknown part of a set, such as the values that pass a refinement. */
export interface UnsureSet {
  readonly kind: "unsure";
  readonly within: ValueSet;
  /** The test that decides, such as "a refinement". */
  readonly why: string;
}

/** The finite numbers within a range. */
export interface NumberSet {
  readonly kind: "number";
  /** The lower end; null without one. */
  readonly min: Bound | null;
  /** The upper end; null without one. */
  readonly max: Bound | null;
  /** Safe integers only. */
  readonly isInteger: boolean;
  /** The steps of the range. Each number is a multiple of every step. */
  readonly multipleOf: readonly number[];
}

/** The end of a range. */
export interface Bound {
  readonly value: number;
  readonly isExclusive: boolean;
}

/** The texts that pass every test. */
export interface TextSet {
  readonly kind: "text";
  readonly tests: readonly TextTest[];
}

/** A condition on a text. */
export interface TextTest {
  /** Tests of equal identity accept the same texts. */
  readonly identity: string;
  /** The test as diagnostics show it, such as "at least 3 characters". */
  readonly says: string;
  /** The test of a known text; null if only the schema can test. */
  readonly rule: TextRule | null;
  /** Identities of the changes, such as trimming, that a child makes before it tests. */
  readonly after: readonly string[];
}

/** A test that the check can run on a known text. */
export type TextRule =
  | { readonly type: "pattern"; readonly pattern: RegExp }
  /** Length in code points. */
  | { readonly type: "min"; readonly length: number }
  | { readonly type: "max"; readonly length: number }
  | { readonly type: "prefix"; readonly text: string }
  | { readonly type: "suffix"; readonly text: string }
  | { readonly type: "includes"; readonly text: string; readonly from: number };

/** The arrays of some length, or tuples. */
export interface ArraySet {
  readonly kind: "array";
  /** The sets of the first items. */
  readonly first: readonly ValueSet[];
  /** The set of further items; null if the array has only the first items. */
  readonly rest: ValueSet | null;
  /** The least number of items. */
  readonly min: number;
  /** The greatest number of items; infinite without a limit. */
  readonly max: number;
}

/** The objects with the given properties. */
export interface ObjectSet {
  readonly kind: "object";
  /** The named properties. */
  readonly properties: ReadonlyMap<string, Property>;
  /** The set of all further properties. */
  readonly others: Others;
  /** True for an object keyed by parents: its properties are payloads of any kind. */
  readonly isKeyed: boolean;
}

/** The values of one property. */
export interface Property {
  readonly set: ValueSet;
  /** True if the property is optional. "unsure": the child may refuse an object without it. */
  readonly mayBeAbsent: boolean | "unsure";
}

/** Properties beside the named ones. */
export type Others =
  /** A parent passes no further property; a child refuses further properties. */
  | { readonly type: "none" }
  /**
   * Further properties of a TypeScript type, for a parent only: the type neither names nor excludes
   * any.
   */
  | { readonly type: "unsure" }
  /** A child ignores further properties. Sets of parents are never "ignored". */
  | { readonly type: "ignored" }
  /** Further properties have keys of `keys` and values of `values`. */
  | { readonly type: "each"; readonly keys: ValueSet; readonly values: ValueSet };

/** Every value, as a child takes it. */
export const ANY: ValueSet = { kind: "any", why: null };
/** Only undefined. */
export const ABSENT: ValueSet = { kind: "absent" };
/** Only null. */
export const NULL: ValueSet = { kind: "literal", value: null };
/** Every text. */
export const TEXT: TextSet = { kind: "text", tests: [] };
/** Every finite number. */
export const NUMBER: NumberSet = {
  kind: "number",
  min: null,
  max: null,
  isInteger: false,
  multipleOf: [],
};
/** Both booleans. */
export const BOOLEAN: ValueSet = unionOf([literal(true), literal(false)]);

/** Returns the set of a single value. */
export function literal(value: string | number | boolean | null): ValueSet {
  return { kind: "literal", value };
}

/** Returns the union of sets, without nesting. The union of one set is the set itself. */
export function unionOf(sets: readonly ValueSet[]): ValueSet {
  const members = sets.flatMap((set) => (set.kind === "union" ? set.members : [set]));
  const [only] = members;
  return members.length === 1 && only !== undefined ? only : { kind: "union", members };
}

/** Returns the arrays of any length with items of one set. */
export function arrayOf(rest: ValueSet): ArraySet {
  return { kind: "array", first: [], rest, min: 0, max: Number.POSITIVE_INFINITY };
}

/** Returns the objects with exactly the given properties. A bare set is a required property. */
export function objectOf(
  properties: Readonly<Record<string, ValueSet | Property>>,
  isKeyed = false,
): ObjectSet {
  const entries = Object.entries(properties).map(([name, property]): [string, Property] => [
    name,
    "set" in property ? property : { set: property, mayBeAbsent: false },
  ]);
  return { kind: "object", properties: new Map(entries), others: { type: "none" }, isKeyed };
}

/** Returns a set without undefined. A reference stays as it is. */
export function withoutAbsent(set: ValueSet): ValueSet {
  if (set.kind === "absent") return { kind: "union", members: [] };
  if (set.kind === "unsure") return { ...set, within: withoutAbsent(set.within) };
  return set.kind === "union" ? unionOf(set.members.map(withoutAbsent)) : set;
}

/** Returns the set of a whole payload: the codec encodes undefined as null. */
export function asPayload(set: ValueSet): ValueSet {
  const found = resolved(set);
  if (found?.kind === "absent") return NULL;
  if (found?.kind === "unsure") return { ...found, within: asPayload(found.within) };
  return found?.kind === "union" ? unionOf(found.members.map(asPayload)) : set;
}

/** Follows references. Null: the set consists of itself only. */
export function resolved(set: ValueSet): Exclude<ValueSet, Reference> | null {
  let found = set;
  for (let steps = 0; found.kind === "reference"; steps += 1) {
    if (found.to === null || steps > MAX_REFERENCES) return null;
    found = found.to;
  }
  return found;
}

/** A longer chain of references counts as a set that consists of itself. */
const MAX_REFERENCES = 1_000;
