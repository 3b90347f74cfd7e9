/** Compares sets of texts, sets of numbers, and single values: the leaves of a payload. */
import {
  type Bound,
  type NumberSet,
  resolved,
  type TextRule,
  type TextSet,
  type TextTest,
  type ValueSet,
} from "./value-set.ts";

/** Tests if a set contains a value. "unsure": only the schema can tell at run time. */
export function isAccepted(
  value: string | number | boolean | null,
  taken: ValueSet,
  depth = 0,
): boolean | "unsure" {
  const set = resolved(taken);
  if (set === null || depth > MAX_DEPTH) return "unsure";
  const inside = (sets: readonly ValueSet[]): Answer[] =>
    sets.map((one) => isAccepted(value, one, depth + 1));
  if (set.kind === "any") return true;
  if (set.kind === "literal") return set.value === value;
  if (set.kind === "number") return typeof value === "number" && isInRange(value, set);
  if (set.kind === "text")
    return typeof value === "string" && every(set.tests.map((test) => passes(value, test)));
  if (set.kind === "union") return some(inside(set.members));
  if (set.kind === "every") return every(inside(set.parts));
  if (set.kind !== "unsure") return false;
  return isAccepted(value, set.within, depth + 1) === false ? false : "unsure";
}

/** Limit of nested unions and parts. */
const MAX_DEPTH = 50;

/** The answer to a test of one value. */
type Answer = boolean | "unsure";

/** Combines answers by "and": a single false answer decides. */
function every(answers: readonly Answer[]): Answer {
  if (answers.includes(false)) return false;
  return answers.includes("unsure") ? "unsure" : true;
}

/** Combines answers by "or": a single true answer decides. */
function some(answers: readonly Answer[]): Answer {
  if (answers.includes(true)) return true;
  return answers.includes("unsure") ? "unsure" : false;
}

/** Tests a number against bounds and steps. */
function isInRange(value: number, set: NumberSet): Answer {
  const { min, max, isInteger, multipleOf } = set;
  if (isInteger && !Number.isSafeInteger(value)) return false;
  if (min !== null && (min.isExclusive ? value <= min.value : value < min.value)) return false;
  if (max !== null && (max.isExclusive ? value >= max.value : value > max.value)) return false;
  return every(multipleOf.map((step) => isMultiple(value, step)));
}

/** Tests whole numbers only: zod rounds fractions, and large quotients, in its own way. */
function isMultiple(value: number, step: number): Answer {
  const isWhole = Number.isSafeInteger(value) && Number.isSafeInteger(step) && step !== 0;
  if (!isWhole) return "unsure";
  if (value % step === 0) return true;
  return Math.abs(value) > MAX_EXACT || Math.abs(step) > MAX_EXACT ? "unsure" : false;
}

/** Zod counts the quotient of a greater number as whole if the quotient nearly is. */
const MAX_EXACT = 2 ** 40;

/** Tests a known text. A test after a change of the text stays open. */
function passes(text: string, { rule, after }: TextTest): Answer {
  if (rule === null || after.length > 0) return "unsure";
  switch (rule.type) {
    case "pattern": {
      const { source, flags } = rule.pattern;
      // Zod matches from the start each time, even with a sticky or global pattern.
      return new RegExp(source, flags).test(text);
    }
    case "min":
      return lengthOf(text) >= rule.length;
    case "max":
      return lengthOf(text) <= rule.length;
    case "prefix":
      return text.startsWith(rule.text);
    case "suffix":
      return text.endsWith(rule.text);
    case "includes":
      return text.includes(rule.text, rule.from);
  }
}

/** Length in code points, as zod counts. */
function lengthOf(text: string): number {
  return Array.from(text).length;
}

/** The result for two sets of leaves. The caller adds the place. */
interface Fit {
  readonly answer: "fits" | "misfit" | "unknown";
  /** The fault, or the test that decides at run time; empty for a fit. */
  readonly why: string;
}

const FITS: Fit = { answer: "fits", why: "" };

/** Compares two sets of numbers. */
export function numberFits(given: NumberSet, taken: NumberSet): Fit {
  const passed = withWholeBounds(given);
  if (isApart(passed, taken)) return { answer: "misfit", why: "no number is in both ranges" };
  // Conditions of the child that do not follow from the parent's range.
  const missing = [
    ...(taken.isInteger && !passed.isInteger ? ["whether the number is an integer"] : []),
    ...(isAbove(passed.min, taken.min) ? [] : ["how small the number is"]),
    ...(isBelow(passed.max, taken.max) ? [] : ["how large the number is"]),
    ...taken.multipleOf
      .filter((step) => !isMultipleOf(passed, step))
      .map((step) => `whether the number is a multiple of ${step}`),
  ];
  const [first] = missing;
  return first === undefined ? FITS : { answer: "unknown", why: `${first} decides` };
}

/**
 * Returns the numbers of a set with at most `limit` of them; null for a set with more. "unsure":
 * the steps of a range between two bounds may leave few numbers.
 */
export function listedNumbers(set: NumberSet, limit: number): readonly number[] | null | "unsure" {
  const { min, max, isInteger, multipleOf } = withWholeBounds(set);
  if (min === null || max === null) return null;
  if (!isInteger && min.value === max.value) return inRange([min.value], set);
  const count = max.value - min.value + 1;
  if (!isInteger || count > MAX_LISTED) return multipleOf.length > 0 ? "unsure" : null;
  const all = Array.from({ length: Math.max(0, count) }, (_, index) => min.value + index);
  const listed = inRange(all, set);
  return listed.length > limit ? null : listed;
}

/** Limit of integers in a range for tests of each. */
const MAX_LISTED = 1_000;

/** Leaves out numbers outside of a set. */
function inRange(numbers: readonly number[], set: NumberSet): readonly number[] {
  return numbers.filter((number) => isInRange(number, set) !== false);
}

/** Tests if a set of texts has texts of any length: no test bounds the length, or the form. */
export function isEndless({ tests }: TextSet): boolean {
  return tests.every(({ rule }) => rule !== null && rule.type !== "pattern" && rule.type !== "max");
}

/** Tests if two ranges share no number. */
export function isApart(one: NumberSet, other: NumberSet): boolean {
  const [a, b] = [withWholeBounds(one), withWholeBounds(other)];
  return isBeyond(a.min, b.max) || isBeyond(b.min, a.max);
}

/** Returns a set of integers with its least and greatest integer as bounds. */
function withWholeBounds(set: NumberSet): NumberSet {
  if (!set.isInteger) return set;
  return { ...set, min: wholeBound(set.min, 1), max: wholeBound(set.max, -1) };
}

/** Returns the first integer from a bound on: upwards for 1, downwards for -1. */
function wholeBound(bound: Bound | null, direction: 1 | -1): Bound | null {
  if (bound === null || Math.abs(bound.value) > Number.MAX_SAFE_INTEGER) return bound;
  const nearest = direction === 1 ? Math.ceil(bound.value) : Math.floor(bound.value);
  const isLeftOut = bound.isExclusive && nearest === bound.value;
  return { value: isLeftOut ? nearest + direction : nearest, isExclusive: false };
}

/** Tests if a range from `min` upwards and a range up to `max` share no number. */
function isBeyond(min: Bound | null, max: Bound | null): boolean {
  if (min === null || max === null) return false;
  return min.value > max.value || (min.value === max.value && (min.isExclusive || max.isExclusive));
}

/** True if the lower bound of the parent implies the lower bound of the child. */
function isAbove(passed: Bound | null, taken: Bound | null): boolean {
  if (taken === null) return true;
  if (passed === null) return taken.value === -Number.MAX_VALUE && !taken.isExclusive;
  if (passed.value === taken.value) return passed.isExclusive || !taken.isExclusive;
  return passed.value > taken.value;
}

/** True if the upper bound of the parent implies the upper bound of the child. */
function isBelow(passed: Bound | null, taken: Bound | null): boolean {
  if (taken === null) return true;
  if (passed === null) return taken.value === Number.MAX_VALUE && !taken.isExclusive;
  if (passed.value === taken.value) return passed.isExclusive || !taken.isExclusive;
  return passed.value < taken.value;
}

/** True if each number of the set is a multiple of the step. */
function isMultipleOf({ multipleOf, isInteger }: NumberSet, step: number): boolean {
  if (multipleOf.includes(step)) return true;
  if (!isInteger || !Number.isSafeInteger(step)) return false;
  return (
    Math.abs(step) === 1 ||
    multipleOf.some((own) => own !== 0 && Math.abs(own) <= MAX_EXACT && own % step === 0)
  );
}

/** Compares two sets of texts: each test of the child must follow from a test of the parent. */
export function textFits(passed: TextSet, taken: TextSet): Fit {
  const known = new Set(passed.tests.map(({ identity }) => identity));
  for (const test of taken.tests) {
    if (!test.after.every((change) => known.has(change)))
      return { answer: "unknown", why: "the change before a test decides" };
    if (known.has(test.identity)) continue;
    const fit = fitOf(passed.tests, test);
    if (fit.answer !== "fits") return fit;
  }
  return FITS;
}

/** Compares the tests of a parent with one test of a child. */
function fitOf(tests: readonly TextTest[], { rule, says }: TextTest): Fit {
  if (rule?.type === "min" && tests.some((test) => hasMin(test.rule, rule.length))) return FITS;
  if (rule?.type === "max" && tests.some((test) => hasMax(test.rule, rule.length))) return FITS;
  if (rule?.type === "pattern" && tests.some((test) => hasStart(test.rule, rule.pattern)))
    return FITS;
  const isApartFrom =
    (rule?.type === "min" && tests.some((test) => hasMax(test.rule, rule.length - 1))) ||
    (rule?.type === "max" && tests.some((test) => hasMin(test.rule, rule.length + 1)));
  return isApartFrom
    ? { answer: "misfit", why: "no text has both lengths" }
    : { answer: "unknown", why: `whether the text is ${says} decides` };
}

/**
 * Tests if the known start of a text suffices for a match. The rest of the text can undo a match
 * only of patterns with an end anchor, a word boundary, or a look-around.
 */
function hasStart(rule: TextRule | null, { source, flags }: RegExp): boolean {
  if (rule?.type !== "prefix" || /\$|\\[bB]|\(\?[=!<]/.test(source)) return false;
  // The rest may begin with the other half of a character.
  if (/[\ud800-\udbff]$/.test(rule.text)) return false;
  return new RegExp(source, flags).test(rule.text);
}

/** True if the rule implies a least length. */
function hasMin(rule: TextRule | null, length: number): boolean {
  if (rule?.type === "prefix") return lengthOf(rule.text) >= length;
  return rule?.type === "min" && rule.length >= length;
}

/** True if the rule implies a greatest length. */
function hasMax(rule: TextRule | null, length: number): boolean {
  return rule?.type === "max" && rule.length <= length;
}
