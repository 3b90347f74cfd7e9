/**
 * The building blocks of `schema.ts`. The zod messages name the expected value (`a duration such as
 * 30s`); `validate.ts` adds the given value and the place.
 */
import type { ZodType } from "zod";
import * as z from "zod";
import { nearest } from "../domain/nearest.ts";
import { type ErrorCode, isErrorCode } from "../codes/codes.ts";
import { described, type JsonSchema, mappingSchema } from "./json-schema.ts";
import { nearFlag } from "./near-values.ts";

/** The keys of a mapping with their schemas. Required keys are listed separately. */
export type Shape = Readonly<Record<string, ZodType>>;

/** The valid keys of a mapping. An absent key was not given, or was wrong and is reported. */
export type Parsed<S extends Shape> = { readonly [K in keyof S]?: z.output<S[K]> };

/** A fault inside a value. */
export interface Finding {
  /** The kind of problem. Zod's own issues are all values of the wrong kind. */
  readonly code: ErrorCode;
  /** The path from the checked value to the fault. */
  readonly path: readonly PropertyKey[];
  /**
   * The kind of fault decides how the message is shown. `value`: "expected MESSAGE, given ...";
   * `key`: the message alone, at the key; `missing`: the message at the mapping that lacks the key.
   */
  readonly fault: "value" | "key" | "missing";
  readonly message: string;
  readonly hint: string | null;
}

/** Checks each key separately, so that a wrong key hides no problem of another key. */
export function parseKeys<S extends Shape>(
  shape: S,
  required: readonly string[],
  raw: unknown,
): { value: Parsed<S>; findings: Finding[] } {
  const findings: Finding[] = [];
  const find = (
    code: ErrorCode,
    key: string | null,
    fault: Finding["fault"],
    message: string,
    hint: string | null,
  ): unknown => findings.push({ code, path: key === null ? [] : [key], fault, message, hint });
  if (!isMapping(raw)) {
    const code = isGluedKey(raw, shape) ? "PEACH015" : "PEACH103";
    find(code, null, "value", "a mapping", hintForNoMapping(raw, shape));
    return { value: {}, findings };
  }
  const missing = new Set(required.filter((key) => !Object.hasOwn(raw, key)));
  const value: Record<string, unknown> = {};
  for (const [key, given] of Object.entries(raw)) {
    const schema = Object.hasOwn(shape, key) ? shape[key] : undefined;
    const [, glued] = isGluedKey(key, shape) ? (GLUED.exec(key) ?? []) : [];
    if (schema !== undefined) {
      const parsed = schema.safeParse(given);
      if (parsed.success) value[key] = parsed.data;
      else findings.push(...parsed.error.issues.map((issue) => findingOf(issue, [key])));
    } else if (glued !== undefined) {
      missing.delete(glued);
      const message = `a space is missing after the colon of \`${glued}\``;
      find("PEACH015", key, "key", message, hintForNoMapping(key, shape));
    } else find("PEACH101", key, "key", "unknown key", hintForKey(key, shape));
  }
  for (const key of missing) find("PEACH102", key, "missing", `\`${key}\` is missing`, null);
  // Each key was parsed by its own schema above, which TypeScript cannot follow.
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return { value: value as Parsed<S>, findings };
}

/** Converts an issue of zod. Issues of Peach's own schemas carry their code, kind and hint. */
function findingOf(issue: z.core.$ZodIssue, prefix: readonly PropertyKey[] = []): Finding {
  const path = [...prefix, ...issue.path];
  if (issue.code !== "custom")
    return { code: "PEACH103", path, fault: "value", message: issue.message, hint: null };
  const { code, fault, hint } = issue.params ?? {};
  return {
    code: isErrorCode(code) ? code : "PEACH103",
    path,
    fault: fault === "key" || fault === "missing" ? fault : "value",
    message: issue.message,
    hint: typeof hint === "string" ? hint : null,
  };
}

/** Adds a finding to a schema, as `findingOf` reads it again. */
function addFinding(
  context: z.core.$RefinementCtx,
  { code, path, fault, message, hint }: Finding,
  input: unknown,
): void {
  const params = { code, fault, hint };
  context.addIssue({ code: "custom", message, path: [...path], params, input });
}

/** A key and a value without a space between them, which YAML reads as one text. */
const GLUED = /^([\w-]+):(\S.*)$/;

/** Tests for a key of the mapping that is glued to its value. */
function isGluedKey(given: unknown, shape: Shape): given is string {
  const [, key] = typeof given === "string" ? (GLUED.exec(given) ?? []) : [];
  return key !== undefined && Object.hasOwn(shape, key);
}

/**
 * Proposes the notation of a key for a text in the place of a mapping, such as `method:a` or
 * `method = a`. Lists the allowed keys for any other value.
 */
function hintForNoMapping(given: unknown, shape: Shape): string {
  const [, key = "", value = ""] =
    typeof given === "string" ? (/^([\w-]+)(?:\s*[=:]\s*)(.*)$/s.exec(given) ?? []) : [];
  return Object.hasOwn(shape, key) ? `write ${key}: ${value}` : allowed(shape);
}

/** Proposes the most similar key and lists the allowed ones. */
function hintForKey(key: string, shape: Shape): string {
  const near = nearest(key, Object.keys(shape));
  return near === null ? allowed(shape) : `did you mean \`${near}\`? ${allowed(shape)}`;
}

/** Lists the allowed keys of a mapping, for hints. */
function allowed(shape: Shape): string {
  return `allowed keys: ${Object.keys(shape).join(", ")}`;
}

/** Tests if a value of YAML is a mapping. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A schema for a mapping with these keys and no others. */
export function mapping<S extends Shape>(shape: S, required: readonly (keyof S & string)[] = []) {
  const given = described(z.unknown(), (of) => mappingSchema(shape, required, of));
  return given.transform((raw, context): Parsed<S> => {
    const { value, findings } = parseKeys(shape, required, raw);
    for (const finding of findings) addFinding(context, finding, raw);
    return value;
  });
}

/** A schema for a text that is not empty. `what` completes "expected ...". */
export function text(what: string, pattern = /\S/) {
  return z.string({ error: what }).regex(pattern, { error: what });
}

/**
 * Refuses a value. `expected` completes "expected ..."; the code is PEACH103 unless one is given.
 */
type Refuse = (
  expected: string,
  params?: { readonly code?: ErrorCode; readonly hint?: string | null | undefined },
) => never;

/** A schema for a value in one piece: what editors accept, and how the value is read. */
export function single<T>(wanted: JsonSchema, read: (given: unknown, refuse: Refuse) => T) {
  return described(z.unknown(), () => wanted).transform((input, context): T =>
    read(input, (message, params = {}) => {
      context.addIssue({ code: "custom", message, params, input });
      return z.NEVER;
    }),
  );
}

/**
 * A schema for a text of this form. `hint` explains to the user what another value would have to
 * be, or returns null.
 */
export function textLike(what: string, pattern: RegExp, hint: (given: unknown) => string | null) {
  return single({ type: "string", pattern: pattern.source }, (given, refuse) =>
    typeof given === "string" && pattern.test(given) ? given : refuse(what, { hint: hint(given) }),
  );
}

/** A schema for true or false. */
export function flag() {
  return single({ type: "boolean" }, (given, refuse) => {
    if (typeof given === "boolean") return given;
    const meant = nearFlag(given);
    return refuse("true or false", { hint: meant === null ? null : `did you mean ${meant}?` });
  });
}

/** A schema for a fixed list of words; the hint proposes the most similar word. */
export function oneOf<const Words extends readonly [string, ...string[]]>(words: Words) {
  return single({ type: "string", enum: [...words] }, (given, refuse): Words[number] => {
    const word = words.find((one) => one === given);
    if (word !== undefined) return word;
    const near = typeof given === "string" ? nearest(given, words) : null;
    const hint = near === null ? null : `did you mean ${near}?`;
    return refuse(`one of ${words.join(", ")}`, { code: "PEACH106", hint });
  });
}

/**
 * A schema for a mapping with names as keys, for editors only. `validate.ts` checks the entries one
 * by one, so that a wrong entry hides no problem of another entry. `more`: further rules of an
 * entry.
 */
export function named(
  name: RegExp,
  shape: Shape,
  required: readonly string[],
  more: JsonSchema = {},
) {
  const given = described(z.unknown(), (of) => ({
    type: "object",
    minProperties: 1,
    propertyNames: { pattern: name.source },
    additionalProperties: { ...mappingSchema(shape, required, of), ...more },
  }));
  return given.transform((entry) => entry);
}

/**
 * A schema for a mapping whose keys are the user's names, with at least a single entry. `word`
 * names an entry in messages. Reports every wrong entry, and every wrong part of an entry.
 */
export function entries<T extends ZodType>(word: string, name: RegExp, item: T) {
  const given = described(z.unknown(), (of) => ({
    type: "object",
    minProperties: 1,
    propertyNames: { pattern: name.source },
    additionalProperties: of(item),
  }));
  return given.transform((raw, context): ReadonlyMap<string, z.output<T>> => {
    const values = new Map<string, z.output<T>>();
    const add = (finding: Finding): void => addFinding(context, finding, raw);
    const code = "PEACH103";
    if (!isMapping(raw)) {
      add({ code, path: [], fault: "value", message: `a mapping of ${word} names`, hint: null });
      return values;
    }
    if (Object.keys(raw).length === 0)
      add({ code, path: [], fault: "key", message: `no ${word} is named here`, hint: "name one" });
    for (const [key, one] of Object.entries(raw)) {
      if (!name.test(key) || key === "__proto__") {
        const hint = "a name begins with a letter or _, and has letters, digits, _ and -";
        const message = `this is no name of a ${word}`;
        add({ code: "PEACH108", path: [key], fault: "key", message, hint });
        continue;
      }
      const parsed = item.safeParse(one);
      if (parsed.success) values.set(key, parsed.data);
      else for (const issue of parsed.error.issues) add(findingOf(issue, [key]));
    }
    return values;
  });
}

/** A schema for a list; a single item stands for a list of one. */
export function oneOrMany<T extends ZodType>(item: T, atLeast = 1) {
  // Editors accept both forms: a single item, or a list.
  const list = described(
    z.array(item).min(atLeast, { error: `at least ${atLeast} item` }),
    (of) => {
      const items = of(item);
      return { anyOf: [items, { type: "array", items, minItems: atLeast }] };
    },
  );
  return z.preprocess((given) => (Array.isArray(given) ? given : [given]), list);
}

/** A schema for a mapping; a plain value stands for its most important key. */
export function shorthand<T extends ZodType>(key: string, schema: T) {
  // Editors accept both forms: the plain value of the key, or the mapping.
  const either = described(z.unknown(), (of) => {
    const full = of(schema);
    const plain = full.properties?.[key];
    return { anyOf: [typeof plain === "object" ? plain : {}, full] };
  });
  return either
    .transform((given): unknown => (typeof given === "object" ? given : { [key]: given }))
    .pipe(schema);
}

/**
 * A schema for a mapping or a simpler value. Only the schema of the given kind is tried, so the
 * messages fit the user's text.
 */
export function mappingOr<Simple extends ZodType, Full extends ZodType>(
  simple: Simple,
  full: Full,
) {
  const either = described(z.unknown(), (of) => ({ anyOf: [of(simple), of(full)] }));
  return either.transform((given, context): z.output<Simple> | z.output<Full> => {
    const parsed = isMapping(given) ? full.safeParse(given) : simple.safeParse(given);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) addFinding(context, findingOf(issue), given);
    return z.NEVER;
  });
}
