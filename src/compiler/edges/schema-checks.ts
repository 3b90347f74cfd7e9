/**
 * Reads the checks of a zod schema: tests of texts, ranges, lengths, and functions of the author.
 * Both readers of schemas share the steps. A step without a model is "unknown", never dropped.
 */
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

/** A check of a schema. Steps are in zod's order. */
export type Step =
  /** Accepts texts that pass the test. */
  | { readonly type: "text"; readonly test: Omit<TextTest, "after"> }
  /** Narrows the range of a number. */
  | { readonly type: "number"; readonly narrow: (set: NumberSet) => NumberSet }
  /** Bounds the number of items. */
  | { readonly type: "length"; readonly min: number; readonly max: number }
  /** Replaces the value by another of the same type. `identity` is null for unknown changes. */
  | { readonly type: "change"; readonly identity: string | null }
  /** Runs a function of the author, or a check without a model here. */
  | {
      readonly type: "unknown";
      readonly why: string;
      readonly mayReplace: boolean;
      /** True for a check without a model here. */
      readonly isForeign?: true;
    };

/** Reads the checks of a schema. A schema of a format, such as `z.email()`, is its own check. */
export function stepsOf(schema: core.$ZodType): Step[] {
  const { def, traits } = internalsOf(schema);
  const own = traits.has("$ZodCheck") && def.type !== "custom" ? [stepsOfCheck(def, true)] : [];
  const checks = (def.checks ?? []).map(({ _zod: check }) =>
    stepsOfCheck(check.def, "traits" in check, def.type),
  );
  return [...own, ...checks].flat();
}

/** The formats that zod checks by a pattern alone. */
const PATTERN_ONLY: ReadonlySet<string> = new Set(
  "regex email uuid guid nanoid cuid cuid2 ulid xid ksuid datetime date time duration ipv4 mac e164 lowercase uppercase template_literal".split(
    " ",
  ),
);

/**
 * Reads one check. `isZodCheck` is false for a bare function of `.check()`, which may replace the
 * value. `on` is the type of the schema with the check.
 */
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
        {
          type: "unknown",
          why: `the check ${String(def.get("check"))}`,
          mayReplace: !isZodCheck,
          isForeign: true,
        },
      ];
  }
}

/** The step of a check that narrows a range. */
function narrowing(narrow: (set: NumberSet) => NumberSet): Step[] {
  return [{ type: "number", narrow }];
}

/** Reads the end of a range. */
function boundOf(def: ReadonlyMap<string, unknown>): Bound {
  return { value: Number(def.get("value")), isExclusive: def.get("inclusive") !== true };
}

/** Returns the stricter of two lower bounds. */
function higher(a: Bound | null, b: Bound): Bound {
  if (a === null || b.value > a.value) return b;
  return a.value > b.value || a.isExclusive ? a : b;
}

/** Returns the stricter of two upper bounds. */
function lower(a: Bound | null, b: Bound): Bound {
  if (a === null || b.value < a.value) return b;
  return a.value < b.value || a.isExclusive ? a : b;
}

/** The greatest numbers of zod's number formats. */
const FORMAT_MAX: Readonly<Record<string, number>> = {
  safeint: Number.MAX_SAFE_INTEGER,
  int32: 2_147_483_647,
  uint32: 4_294_967_295,
  float32: 3.402_823_466_385_288_6e38,
  float64: Number.MAX_VALUE,
};
/** The least numbers of formats without a symmetric range. */
const FORMAT_MIN: Readonly<Record<string, number>> = { int32: -2_147_483_648, uint32: 0 };

/** Narrows a range to a number format such as int32. */
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

/** Returns the steps of a length: tests for a text, a bound for an array. */
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

/** The step of a test of texts. */
function textStep(identity: string, says: string, rule: TextRule | null): Step {
  return { type: "text", test: { identity, says, rule } };
}

/** Returns the steps of a string format: a pattern, a prefix, or a test that only zod can run. */
function formatSteps(def: ReadonlyMap<string, unknown>): Step[] {
  const format = String(def.get("format"));
  // Only the author's function knows the texts of a custom format.
  if (def.has("fn")) return [{ type: "unknown", why: `the format ${format}`, mayReplace: false }];
  const test = textStep(identityOf(def), describeFormat(format, def), formatRule(format, def));
  // Zod trims a URL before parsing.
  const change: Step = { type: "change", identity: `change:${identityOf(def)}` };
  return format === "url" ? [change, test] : [test];
}

/** Returns the rule for testing a known text; null if only zod can test. */
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

/** The keys of a definition without influence on the accepted texts. */
const SILENT: ReadonlySet<string> = new Set(["type", "check", "abort", "error", "checks", "when"]);

/** Returns the identity of a format. Definitions with equal keys accept the same texts. */
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

/** Returns the test of a template literal. Zod compiles the literal to a pattern. */
export function templateTests(pattern: RegExp | undefined): TextTest[] {
  const identity = `format:pattern=${String(pattern)}`;
  const rule: TextRule | null = pattern === undefined ? null : { type: "pattern", pattern };
  return [{ identity, says: `matching ${String(pattern)}`, rule, after: [] }];
}

/**
 * The idempotent changes of zod, by the source text of their function. Zod gives the changes no
 * other name. A new spelling in zod makes a change unknown, which is safe.
 */
const CHANGES: Readonly<Record<string, string>> = {
  "(input)=>input.trim()": "change:trim",
  "(input)=>input.toLowerCase()": "change:lower case",
  "(input)=>input.toUpperCase()": "change:upper case",
};

/** Returns the identity of a change by zod; null for any other function. */
function knownChange(tx: unknown): string | null {
  return CHANGES[String(tx).replaceAll(/\s/g, "")] ?? null;
}

/** Returns the tests that hold for a passed text: later changes may undo earlier tests. */
export function passedTests(steps: readonly Step[]): TextTest[] {
  let tests: TextTest[] = [];
  for (const step of steps) {
    if (step.type === "change") tests = afterChange(tests, step.identity);
    if (step.type === "text") tests.push({ ...step.test, after: [] });
  }
  return tests;
}

/**
 * Returns the tests that hold after a change. A known change becomes a test, since repeating the
 * change has no effect. Trimming keeps the case of a text, and a change of case keeps the trimming.
 */
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

/** Returns the tests of a child, each with the earlier changes. Null after an unknown change. */
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

/** Returns the changes before a test, without the trimming that belongs to the test of a URL. */
function testedAfter({ identity }: Omit<TextTest, "after">, after: readonly string[]): string[] {
  return after.filter((change) => change !== `change:${identity}`);
}

/** Returns the numbers that pass all checks. */
export function narrowedNumber(steps: readonly Step[]): NumberSet {
  return steps.reduce<NumberSet>(
    (set, step) => (step.type === "number" ? step.narrow(set) : set),
    NUMBER,
  );
}

/** Returns an array set with the lengths that pass all checks. */
export function narrowedLength(set: ArraySet, steps: readonly Step[]): ArraySet {
  return steps.reduce<ArraySet>(
    (array, step) =>
      step.type === "length"
        ? { ...array, min: Math.max(array.min, step.min), max: Math.min(array.max, step.max) }
        : array,
    set,
  );
}

/** The checks that a set shows, by type of schema. Zod runs every check on every type. */
const OWN_STEPS: Readonly<Record<string, readonly Step["type"][]>> = {
  string: ["text", "change"],
  number: ["number", "change"],
  array: ["length"],
  tuple: ["length"],
};

/** Tests if a check is made for another type, or has no model here. */
export function isAnyForeign(type: string, steps: readonly Step[]): boolean {
  const own = OWN_STEPS[type] ?? [];
  return steps.some((step) =>
    step.type === "unknown" ? step.isForeign === true : !own.includes(step.type),
  );
}

/** Tests if a check replaces the value in an unknown way. */
export function hasUnknownChange(steps: readonly Step[]): boolean {
  return steps.some((step) => step.type === "change" && step.identity === null);
}
