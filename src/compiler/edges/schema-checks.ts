/** Reads the checks of a zod schema: tests of texts, ranges, lengths, and functions of the author. */
import type { core } from "zod";
import { internalsOf } from "./schema-parts.ts";
import {
  type ArraySet,
  type Bound,
  NUMBER,
  type NumberSet,
  type TextRule,
  type TextTest,
} from "./value-set.ts";

/** A check of a schema, in the order in which zod runs them. */
export type Step =
  | { readonly type: "text"; readonly test: Omit<TextTest, "after"> }
  | { readonly type: "number"; readonly narrow: (set: NumberSet) => NumberSet }
  | { readonly type: "length"; readonly min: number; readonly max: number }
  /** Replaces the value by another one of the same type. `identity` is null for unknown changes. */
  | { readonly type: "change"; readonly identity: string | null }
  /** A function of the author, or a check that is not modelled. */
  | { readonly type: "unknown"; readonly why: string; readonly mayReplace: boolean };

/** Reads the checks of a schema. A schema of a format, such as `z.email()`, is its own check. */
export function stepsOf(schema: core.$ZodType): Step[] {
  const { def, traits } = internalsOf(schema);
  const own = traits.has("$ZodCheck") && def.type !== "custom" ? [stepsOfCheck(def, true)] : [];
  const checks = (def.checks ?? []).map(({ _zod: check }) =>
    stepsOfCheck(check.def, "traits" in check, def.type),
  );
  return [...own, ...checks].flat();
}

/** Formats whose check is the pattern alone. */
const PATTERN_ONLY: ReadonlySet<string> = new Set(
  "regex email uuid guid nanoid cuid cuid2 ulid xid ksuid datetime date time duration ipv4 mac e164 lowercase uppercase template_literal".split(
    " ",
  ),
);

/** `isZodCheck` is false for a bare function given to `.check()`, which may replace the value. */
function stepsOfCheck(given: object, isZodCheck: boolean, on = ""): Step[] {
  const def = new Map(Object.entries(given));
  const number = (key: string): number => Number(def.get(key));
  switch (def.get("check")) {
    case "string_format":
      return formatSteps(def);
    case "min_length":
      return lengthSteps(number("minimum"), Number.POSITIVE_INFINITY, on);
    case "max_length":
      return lengthSteps(0, number("maximum"), on);
    case "length_equals":
      return lengthSteps(number("length"), number("length"), on);
    case "greater_than":
      return narrowing((set) => ({ ...set, min: higher(set.min, boundOf(def)) }));
    case "less_than":
      return narrowing((set) => ({ ...set, max: lower(set.max, boundOf(def)) }));
    case "multiple_of":
      return narrowing((set) => ({ ...set, multipleOf: [...set.multipleOf, number("value")] }));
    case "number_format":
      return narrowing(numberFormat(String(def.get("format"))));
    case "overwrite":
      return [{ type: "change", identity: knownChange(def.get("tx")) }];
    case "custom":
      return [{ type: "unknown", why: "a refinement", mayReplace: !isZodCheck }];
    default:
      return [
        { type: "unknown", why: `the check ${String(def.get("check"))}`, mayReplace: !isZodCheck },
      ];
  }
}

function narrowing(narrow: (set: NumberSet) => NumberSet): Step[] {
  return [{ type: "number", narrow }];
}

function boundOf(def: ReadonlyMap<string, unknown>): Bound {
  return { value: Number(def.get("value")), isExclusive: def.get("inclusive") !== true };
}

/** The bound that leaves less above it. */
function higher(a: Bound | null, b: Bound): Bound {
  if (a === null || b.value > a.value) return b;
  return a.value > b.value || a.isExclusive ? a : b;
}

/** The bound that leaves less below it. */
function lower(a: Bound | null, b: Bound): Bound {
  if (a === null || b.value < a.value) return b;
  return a.value < b.value || a.isExclusive ? a : b;
}

/** The largest numbers of the formats, as zod has them. */
const FORMAT_MAX: Readonly<Record<string, number>> = {
  safeint: Number.MAX_SAFE_INTEGER,
  int32: 2_147_483_647,
  uint32: 4_294_967_295,
  float32: 3.402_823_466_385_288_6e38,
  float64: Number.MAX_VALUE,
};
const FORMAT_MIN: Readonly<Record<string, number>> = { int32: -2_147_483_648, uint32: 0 };

/** The range of a format such as int32. */
function numberFormat(format: string): (set: NumberSet) => NumberSet {
  const max = FORMAT_MAX[format] ?? Number.MAX_VALUE;
  const min = FORMAT_MIN[format] ?? -max;
  return (set) => ({
    ...set,
    isInteger: set.isInteger || format.includes("int"),
    min: higher(set.min, { value: min, isExclusive: false }),
    max: lower(set.max, { value: max, isExclusive: false }),
  });
}

/** A length of a text is a test; a length of an array bounds the array. */
function lengthSteps(min: number, max: number, on: string): Step[] {
  if (on !== "string") return [{ type: "length", min, max }];
  return [
    ...(min > 0
      ? [textStep(`min:${min}`, `at least ${min} characters`, { type: "min", length: min })]
      : []),
    ...(max < Number.POSITIVE_INFINITY
      ? [textStep(`max:${max}`, `at most ${max} characters`, { type: "max", length: max })]
      : []),
  ];
}

function textStep(identity: string, says: string, rule: TextRule | null): Step {
  return { type: "text", test: { identity, says, rule } };
}

/** Steps of a string format: a pattern, a prefix, a format with a check of its own. */
function formatSteps(def: ReadonlyMap<string, unknown>): Step[] {
  const format = String(def.get("format"));
  // A format with a function of the author.
  if (def.has("fn")) return [{ type: "unknown", why: `the format ${format}`, mayReplace: false }];
  const test = textStep(identityOf(def), describeFormat(format, def), formatRule(format, def));
  // Zod trims an address before it parses it.
  const change: Step = { type: "change", identity: `change:${identityOf(def)}` };
  return format === "url" ? [change, test] : [test];
}

/** The rule by which a known text can be tested. */
function formatRule(format: string, def: ReadonlyMap<string, unknown>): TextRule | null {
  const text = (key: string): string => String(def.get(key));
  if (format === "starts_with") return { type: "prefix", text: text("prefix") };
  if (format === "ends_with") return { type: "suffix", text: text("suffix") };
  if (format === "includes")
    return { type: "includes", text: text("includes"), from: Number(def.get("position") ?? 0) };
  const pattern = def.get("pattern");
  return PATTERN_ONLY.has(format) && pattern instanceof RegExp
    ? { type: "pattern", pattern }
    : null;
}

/** Keys of a definition that do not decide what is accepted. */
const SILENT: ReadonlySet<string> = new Set(["type", "check", "abort", "error", "checks", "when"]);

/** The same for definitions that accept the same texts. */
function identityOf(def: ReadonlyMap<string, unknown>): string {
  const parts = [...def].flatMap(([key, value]) =>
    SILENT.has(key) || value === undefined
      ? []
      : [`${key}=${value instanceof RegExp ? String(value) : (JSON.stringify(value) ?? "")}`],
  );
  return `format:${parts.toSorted().join(",")}`;
}

/** Names a format for diagnostics. */
function describeFormat(format: string, def: ReadonlyMap<string, unknown>): string {
  if (format === "regex") return `matching ${String(def.get("pattern"))}`;
  if (format === "starts_with") return `starting with ${JSON.stringify(def.get("prefix"))}`;
  if (format === "ends_with") return `ending with ${JSON.stringify(def.get("suffix"))}`;
  if (format === "includes") return `containing ${JSON.stringify(def.get("includes"))}`;
  return `in the form of ${format}`;
}

/** The test of a template literal, which zod holds as a pattern. */
export function templateTests(pattern: RegExp | undefined): TextTest[] {
  const identity = `format:pattern=${String(pattern)}`;
  const rule: TextRule | null = pattern === undefined ? null : { type: "pattern", pattern };
  return [{ identity, says: `matching ${String(pattern)}`, rule, after: [] }];
}

/** Changes of zod that change nothing when they are made again, by the text of their function. */
const CHANGES: Readonly<Record<string, string>> = {
  "(input)=>input.trim()": "change:trim",
  "(input)=>input.toLowerCase()": "change:lower case",
  "(input)=>input.toUpperCase()": "change:upper case",
};

/** The identity of a change that zod makes; null for other functions. */
function knownChange(tx: unknown): string | null {
  return CHANGES[String(tx).replaceAll(/\s/g, "")] ?? null;
}

/** The tests of a text that a parent passes: those that still hold after the last change. */
export function passedTests(steps: readonly Step[]): TextTest[] {
  let tests: TextTest[] = [];
  for (const step of steps) {
    if (step.type === "change") tests = afterChange(tests, step.identity);
    if (step.type === "text") tests.push({ ...step.test, after: [] });
  }
  return tests;
}

/** A known change holds as a test: made again, it changes nothing. Trimming leaves the case. */
function afterChange(tests: readonly TextTest[], identity: string | null): TextTest[] {
  if (identity === null) return [];
  const stays = (other: string): boolean =>
    (identity === "change:trim") !== (other === "change:trim") &&
    [identity, other].every((one) => Object.values(CHANGES).includes(one));
  return [
    ...tests.filter((test) => stays(test.identity)),
    { identity, says: "", rule: null, after: [] },
  ];
}

/** The tests of a child, with the changes before them. Null after an unknown change. */
export function takenTests(steps: readonly Step[]): TextTest[] | null {
  const after: string[] = [];
  const tests: TextTest[] = [];
  for (const step of steps) {
    if (step.type === "change") {
      if (step.identity === null) return null;
      after.push(step.identity);
    }
    if (step.type === "text") tests.push({ ...step.test, after: testedAfter(step.test, after) });
  }
  return tests;
}

/** An address is parsed after the trimming that belongs to its own test. */
function testedAfter({ identity }: Omit<TextTest, "after">, after: readonly string[]): string[] {
  return after.filter((change) => change !== `change:${identity}`);
}

/** The numbers that satisfy all checks. */
export function narrowedNumber(steps: readonly Step[]): NumberSet {
  return steps.reduce<NumberSet>(
    (set, step) => (step.type === "number" ? step.narrow(set) : set),
    NUMBER,
  );
}

/** An array with the lengths that satisfy all checks. */
export function narrowedLength(set: ArraySet, steps: readonly Step[]): ArraySet {
  return steps.reduce<ArraySet>(
    (array, step) =>
      step.type === "length"
        ? { ...array, min: Math.max(array.min, step.min), max: Math.min(array.max, step.max) }
        : array,
    set,
  );
}

/** True if a check replaces the value in a way that is not known. */
export function hasUnknownChange(steps: readonly Step[]): boolean {
  return steps.some((step) => step.type === "change" && step.identity === null);
}
