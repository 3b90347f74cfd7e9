/**
 * The pieces of which `schema.ts` is made. Their zod messages are what was expected (`a duration such as 30s`); `validate.ts`
 * says what was given, and where.
 */
import { z, type ZodType } from "zod";
import { parseDuration, parseSize } from "../domain/duration.ts";
import { nearest } from "../domain/nearest.ts";

/** The keys of a mapping. Which of them must be there is said beside it. */
export type Shape = Readonly<Record<string, ZodType>>;

/** A mapping as far as it is right: a key that is absent was not given, or is wrong and was reported. */
export type Parsed<S extends Shape> = { readonly [K in keyof S]?: z.output<S[K]> };

/** A wrong place inside a value. `fault` decides what stands around the message. */
export interface Finding {
  readonly path: readonly PropertyKey[];
  /** `value`: "expected MESSAGE, given ...". `key`: the message alone, at the key. `missing`: at the mapping that lacks it. */
  readonly fault: "value" | "key" | "missing";
  readonly message: string;
  readonly hint: string | null;
}

/** Reads each key by itself, so that one wrong key hides no problem of another. */
export function parseKeys<S extends Shape>(
  shape: S,
  required: readonly string[],
  raw: unknown,
): { value: Parsed<S>; findings: Finding[] } {
  if (!isMapping(raw))
    return {
      value: {},
      findings: [{ path: [], fault: "value", message: "a mapping", hint: allowed(shape) }],
    };
  const findings: Finding[] = [];
  const value: Record<string, unknown> = {};
  for (const [key, given] of Object.entries(raw)) {
    const schema = Object.hasOwn(shape, key) ? shape[key] : undefined;
    if (schema === undefined) {
      findings.push({
        path: [key],
        fault: "key",
        message: "unknown key",
        hint: hintForKey(key, shape),
      });
      continue;
    }
    const parsed = schema.safeParse(given);
    if (parsed.success) value[key] = parsed.data;
    else findings.push(...parsed.error.issues.map((issue) => findingOf(issue, [key])));
  }
  for (const key of required) {
    if (!Object.hasOwn(raw, key))
      findings.push({
        path: [key],
        fault: "missing",
        message: `\`${key}\` is missing`,
        hint: null,
      });
  }
  // The one mapping from checked keys to their type: each was parsed by its own schema above.
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return { value: value as Parsed<S>, findings };
}

function findingOf(issue: z.core.$ZodIssue, prefix: readonly PropertyKey[] = []): Finding {
  const path = [...prefix, ...issue.path];
  if (issue.code !== "custom") return { path, fault: "value", message: issue.message, hint: null };
  const { fault, hint } = issue.params ?? {};
  return {
    path,
    fault: fault === "key" || fault === "missing" ? fault : "value",
    message: issue.message,
    hint: typeof hint === "string" ? hint : null,
  };
}

function hintForKey(key: string, shape: Shape): string {
  const near = nearest(key, Object.keys(shape));
  return near === null ? allowed(shape) : `did you mean \`${near}\`? ${allowed(shape)}`;
}

function allowed(shape: Shape): string {
  return `allowed keys: ${Object.keys(shape).join(", ")}`;
}

/** Whether YAML gave a mapping. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A mapping with these keys and no others. */
export function mapping<S extends Shape>(shape: S, required: readonly (keyof S & string)[] = []) {
  return z.unknown().transform((raw, context): Parsed<S> => {
    const { value, findings } = parseKeys(shape, required, raw);
    for (const { path, fault, message, hint } of findings) {
      context.addIssue({
        code: "custom",
        message,
        path: [...path],
        params: { fault, hint },
        input: raw,
      });
    }
    return value;
  });
}

/** A text that is not empty. `what` completes "expected ...". */
export function text(what: string, pattern = /\S/) {
  return z.string({ error: what }).regex(pattern, { error: what });
}

/** true or false. */
export function flag() {
  return z.boolean({ error: "true or false" });
}

/** A whole number within these limits. */
export function count(min: number, max: number) {
  return z.unknown().transform((given, context): number => {
    if (typeof given === "number" && Number.isInteger(given) && given >= min && given <= max)
      return given;
    context.addIssue({
      code: "custom",
      message: `a whole number from ${min} to ${max}`,
      input: given,
    });
    return z.NEVER;
  });
}

/** One of these words. */
export function oneOf<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.unknown().transform((given, context): Words[number] => {
    const word: Words[number] | undefined = words.find((one) => one === given);
    if (word !== undefined) return word;
    const near = typeof given === "string" ? nearest(given, words) : null;
    const hint = near === null ? null : `did you mean ${near}?`;
    context.addIssue({
      code: "custom",
      message: `one of ${words.join(", ")}`,
      params: { hint },
      input: given,
    });
    return z.NEVER;
  });
}

/** The limits of a quantity, as text; `above` helps whoever wants more. */
export interface Limits {
  readonly min: string;
  readonly max: string;
  readonly above?: string;
}

/** A duration within these limits, in milliseconds. */
export function duration(limits: Limits) {
  return quantity("duration", "such as 250ms, 30s, 5m, 2h or 7d", parseDuration, limits);
}

/** A size within these limits, in bytes. */
export function size(limits: Limits) {
  return quantity("size", "such as 0B, 64KB or 10MB", parseSize, limits);
}

function quantity(
  what: string,
  examples: string,
  parse: (text: string) => number | null,
  limits: Limits,
) {
  const min = parse(limits.min);
  const max = parse(limits.max);
  if (min === null || max === null)
    throw new RangeError(`no ${what}: ${limits.min} or ${limits.max}`);
  return z.unknown().transform((given, context): number => {
    const value = typeof given === "string" ? parse(given) : null;
    if (value === null) {
      context.addIssue({ code: "custom", message: `a ${what} ${examples}`, input: given });
      return z.NEVER;
    }
    if (value >= min && value <= max) return value;
    const message =
      value < min ? `a ${what} of at least ${limits.min}` : `a ${what} of at most ${limits.max}`;
    context.addIssue({
      code: "custom",
      message,
      params: { hint: value > max ? limits.above : null },
      input: given,
    });
    return z.NEVER;
  });
}

/** A list, or one item in its place. */
export function oneOrMany<T extends ZodType>(item: T, atLeast = 1) {
  const list = z.array(item).min(atLeast, { error: `at least ${atLeast} item` });
  return z.preprocess((given) => (Array.isArray(given) ? given : [given]), list);
}

/** A mapping, or in its place the value of its most important key. */
export function shorthand<T extends ZodType>(key: string, schema: T) {
  return z.preprocess((given) => (typeof given === "object" ? given : { [key]: given }), schema);
}

/** A mapping, or something simpler in its place. */
export function mappingOr<Simple extends ZodType, Full extends ZodType>(
  simple: Simple,
  full: Full,
) {
  return z.unknown().transform((given, context): z.output<Simple> | z.output<Full> => {
    const parsed = isMapping(given) ? full.safeParse(given) : simple.safeParse(given);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) {
      const { path, fault, message, hint } = findingOf(issue);
      context.addIssue({
        code: "custom",
        message,
        path: [...path],
        params: { fault, hint },
        input: given,
      });
    }
    return z.NEVER;
  });
}
