/**
 * Sets of payload values, as schemas and types describe them. A set may contain itself, by a
 * `reference`. Sets are plain data, so that one process can send them to another.
 *
 * One language describes two things. The set that a parent passes has at least every value that the
 * parent may pass. The set that a child takes has only values that the child accepts, but for the
 * members marked `unsure`, of which the child accepts an unknown part.
 */

/** A set of values. */
export type ValueSet =
  /** Every value. `why`: the reason why a parent's values are not known; null in a child's set. */
  | { readonly kind: "any"; readonly why: string | null }
  /** No value. `what`: the kind of value that is declared and that no payload is. */
  | { readonly kind: "none"; readonly what: string }
  /** Only undefined: a property that is left out, or no payload at all. */
  | { readonly kind: "absent" }
  | { readonly kind: "literal"; readonly value: string | number | boolean | null }
  | NumberSet
  | TextSet
  | ArraySet
  | ObjectSet
  /** Bytes, by the forms that the payload codec keeps. */
  | { readonly kind: "bytes"; readonly forms: readonly string[] }
  | { readonly kind: "stream" }
  | { readonly kind: "union"; readonly members: readonly ValueSet[] }
  /** The values that are in each part. */
  | { readonly kind: "every"; readonly parts: readonly ValueSet[] }
  /** An unknown part of `within`. */
  | UnsureSet
  /** Values that no payload can hold, such as dates: they are refused when they are passed. */
  | { readonly kind: "lost"; readonly what: string }
  | Reference;

/** A set that is completed later, so that it can contain itself. */
export interface Reference {
  readonly kind: "reference";
  to: ValueSet | null;
}

export interface UnsureSet {
  readonly kind: "unsure";
  readonly within: ValueSet;
  /** The test that decides, such as "a refinement". */
  readonly why: string;
}

/** Finite numbers. */
export interface NumberSet {
  readonly kind: "number";
  readonly min: Bound | null;
  readonly max: Bound | null;
  /** Safe integers only. */
  readonly isInteger: boolean;
  readonly multipleOf: readonly number[];
}

/** The end of a range. */
export interface Bound {
  readonly value: number;
  readonly isExclusive: boolean;
}

export interface TextSet {
  readonly kind: "text";
  readonly tests: readonly TextTest[];
}

/** A condition on a text. */
export interface TextTest {
  /** Tests of equal identity accept the same texts. */
  readonly identity: string;
  readonly says: string;
  /** The test of a known text; null if only the schema can test. */
  readonly rule: TextRule | null;
  /** Identities of the changes, such as trimming, that a child makes before it tests. */
  readonly after: readonly string[];
}

export type TextRule =
  | { readonly type: "pattern"; readonly pattern: RegExp }
  /** Length in code points. */
  | { readonly type: "min"; readonly length: number }
  | { readonly type: "max"; readonly length: number }
  | { readonly type: "prefix"; readonly text: string }
  | { readonly type: "suffix"; readonly text: string }
  | { readonly type: "includes"; readonly text: string; readonly from: number };

export interface ArraySet {
  readonly kind: "array";
  /** The sets of the first items. */
  readonly first: readonly ValueSet[];
  /** The set of further items; null: there are none. */
  readonly rest: ValueSet | null;
  readonly min: number;
  readonly max: number;
}

export interface ObjectSet {
  readonly kind: "object";
  readonly properties: ReadonlyMap<string, Property>;
  readonly others: Others;
  /** True for an object keyed by parents: its properties are payloads of any kind. */
  readonly isKeyed: boolean;
}

export interface Property {
  readonly set: ValueSet;
  /** The property may be left out; "unsure": the child may refuse an object without. */
  readonly mayBeAbsent: boolean | "unsure";
}

/** Properties beside the named ones. */
export type Others =
  /** A parent passes none; a child refuses them. */
  | { readonly type: "none" }
  /** A child ignores them. A parent never has this. */
  | { readonly type: "ignored" }
  | { readonly type: "each"; readonly keys: ValueSet; readonly values: ValueSet };

export const ANY: ValueSet = { kind: "any", why: null };
export const ABSENT: ValueSet = { kind: "absent" };
export const NULL: ValueSet = { kind: "literal", value: null };
export const TEXT: TextSet = { kind: "text", tests: [] };
export const NUMBER: NumberSet = {
  kind: "number",
  min: null,
  max: null,
  isInteger: false,
  multipleOf: [],
};
export const BOOLEAN: ValueSet = unionOf([literal(true), literal(false)]);

export function literal(value: string | number | boolean | null): ValueSet {
  return { kind: "literal", value };
}

/** The union of sets, without nesting. One member stands for itself. */
export function unionOf(sets: readonly ValueSet[]): ValueSet {
  const members = sets.flatMap((set) => (set.kind === "union" ? set.members : [set]));
  const [only] = members;
  return members.length === 1 && only !== undefined ? only : { kind: "union", members };
}

export function arrayOf(rest: ValueSet): ArraySet {
  return { kind: "array", first: [], rest, min: 0, max: Number.POSITIVE_INFINITY };
}

/** An object that has these properties and no others. */
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

/** The set without undefined. A set that is not read to its end keeps it. */
export function withoutAbsent(set: ValueSet): ValueSet {
  if (set.kind === "absent") return { kind: "union", members: [] };
  if (set.kind === "unsure") return { ...set, within: withoutAbsent(set.within) };
  return set.kind === "union" ? unionOf(set.members.map(withoutAbsent)) : set;
}

/** The set of a whole payload: undefined is passed as null. */
export function asPayload(set: ValueSet): ValueSet {
  const found = resolved(set);
  if (found?.kind === "absent") return NULL;
  if (found?.kind === "unsure") return { ...found, within: asPayload(found.within) };
  return found?.kind === "union" ? unionOf(found.members.map(asPayload)) : set;
}

/** Follows references. Null: a set that consists of itself only. */
export function resolved(set: ValueSet): Exclude<ValueSet, Reference> | null {
  let found = set;
  for (let steps = 0; found.kind === "reference"; steps += 1) {
    if (found.to === null || steps > MAX_REFERENCES) return null;
    found = found.to;
  }
  return found;
}

/** A longer chain of references is a set that consists of itself. */
const MAX_REFERENCES = 1_000;
