/** Makes an example of a set of payloads, for commands that a newcomer can paste. */
import { isAccepted } from "../compiler/edges/compare-leaves.ts";
import {
  resolved,
  type ArraySet,
  type NumberSet,
  type ObjectSet,
  type TextRule,
  type TextSet,
  type ValueSet,
} from "../compiler/edges/value-set.ts";

/** An example; null if none is known. `undefined` is the example of no payload at all. */
export type Example = { readonly value: unknown } | null;

/** Limit of nesting. A deeper set has no example. */
const MAX_DEPTH = 8;
/** Texts of common forms. The first text that passes every known test is the example. */
const TEXTS = [
  "an example",
  "example",
  "en",
  "1",
  "EXAMPLE",
  "ada@news.example",
  "https://news.example/1",
  "s3://uploads/example",
  "2026-11-30",
  "2026-11-30T10:00:00Z",
  "10:00:00",
  "5f0c2b8e-6a54-4b1e-9d3a-2f7c1e8b4a90",
  "192.0.2.1",
];

/** Returns an example for all known tests. A refinement may still refuse the example. */
export function exampleOf(set: ValueSet, depth = 0): Example {
  const found = depth > MAX_DEPTH ? null : resolved(set);
  switch (found?.kind) {
    case "any":
    case "absent":
      return { value: undefined };
    case "literal":
      return { value: found.value };
    case "number":
      return numberIn(found);
    case "text":
      return textIn(found);
    case "array":
      return arrayIn(found, depth);
    case "object":
      return objectIn(found, depth);
    case "union":
      return memberOf(found.members, depth);
    case "every":
      return everyIn(found.parts, depth);
    case "unsure":
      return exampleOf(found.within, depth + 1);
    case "bytes":
    case "stream":
    case "none":
    case "lost":
    case undefined:
      return null;
  }
}

/** Finds a number in the range: 1, 0, or one near an end of the range. */
function numberIn(set: NumberSet): Example {
  const { min, max, multipleOf } = set;
  const [step = 1] = multipleOf;
  const start = min === null ? 0 : Math.ceil(min.value / step) * step;
  const end = max === null ? 0 : Math.floor(max.value / step) * step;
  const ends = [start, start + step, end, end - step, max?.value ?? 0, min?.value ?? 0];
  return firstAccepted([1, 0, ...ends], set);
}

/** Finds a text that passes every test with a known rule. */
function textIn(set: TextSet): Example {
  const rules = set.tests.flatMap(({ rule }) => (rule === null ? [] : [rule]));
  return firstAccepted(
    TEXTS.map((text) => rules.reduce(shaped, text)),
    set,
  );
}

/** Returns the first value in the set. */
function firstAccepted(values: readonly (number | string)[], set: ValueSet): Example {
  const value = values.find((one) => isAccepted(one, set) !== false);
  return value === undefined ? null : { value };
}

/** Changes the beginning, the end or the length of a text as the rule demands. */
function shaped(text: string, rule: TextRule): string {
  switch (rule.type) {
    case "prefix":
      return text.startsWith(rule.text) ? text : rule.text + text;
    case "suffix":
      return text.endsWith(rule.text) ? text : text + rule.text;
    case "includes":
      return text.includes(rule.text) ? text : text + rule.text;
    case "min":
      return text.padEnd(rule.length, "e");
    case "max":
      return Array.from(text).slice(0, rule.length).join("");
    case "pattern":
      return text;
  }
}

/** Makes an array with one item if the set allows an item, and with all demanded items. */
function arrayIn({ first, rest, min, max }: ArraySet, depth: number): Example {
  const more = rest === null ? 0 : Math.min(Math.max(min, 1), max) - first.length;
  const sets = [...first, ...Array.from({ length: Math.max(0, more) }, () => rest ?? first[0])];
  const items = sets.map((set) => (set === undefined ? null : exampleOf(set, depth + 1)));
  if (items.includes(null)) return null;
  return { value: items.map((item) => item?.value ?? null) };
}

/**
 * Makes an object with the required properties, and with optional properties that have examples.
 */
function objectIn({ properties, others }: ObjectSet, depth: number): Example {
  const value: Record<string, unknown> = {};
  for (const [name, { set, mayBeAbsent }] of properties) {
    const example = exampleOf(set, depth + 1);
    if (example === null && mayBeAbsent !== true) return null;
    if (example === null || (example.value === undefined && mayBeAbsent === true)) continue;
    // A property of any value still has to be there.
    value[name] = example.value ?? null;
  }
  if (properties.size > 0 || others.type !== "each") return { value };
  const [key, one] = [exampleOf(others.keys, depth + 1), exampleOf(others.values, depth + 1)];
  if (typeof key?.value === "string" && one !== null) value[key.value] = one.value ?? null;
  return { value };
}

/** Chooses the first member with a value other than null. */
function memberOf(members: readonly ValueSet[], depth: number): Example {
  const examples = members.map((member) => exampleOf(member, depth + 1));
  const known = examples.filter((example) => example !== null);
  return known.find(({ value }) => value !== undefined && value !== null) ?? known[0] ?? null;
}

/**
 * Joins the examples of all parts of an intersection: the properties of objects together, otherwise
 * the first example.
 */
function everyIn(parts: readonly ValueSet[], depth: number): Example {
  const examples = parts.map((part) => exampleOf(part, depth + 1));
  const [first = null] = examples;
  if (examples.includes(null)) return null;
  const values = examples.map((example) => example?.value);
  const areObjects = values.every(
    (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  );
  return areObjects ? { value: Object.assign({}, ...values) } : first;
}
