/**
 * Reads zod schemas as sets of values, by their public definitions. Unknown parts are explicit: a
 * set is `unsure` where a function of the author decides, and `any` where a function makes the
 * value.
 */
import { PassedSets } from "./passed-sets.ts";
import { isZod, standardOf } from "./schema-parts.ts";
import { isTooLarge } from "./schema-walks.ts";
import { TakenSets } from "./taken-sets.ts";
import type { ValueSet } from "./value-set.ts";

/** The sets of the schemas of one project. Each schema is read once. */
export class SchemaSets {
  readonly #passed = new PassedSets();
  readonly #taken = new TakenSets(new PassedSets(true));

  /** Returns the values that a parse may return: the output of a task. */
  passed(schema: unknown): ValueSet {
    if (!isZod(schema)) return { kind: "any", why: unreadable(schema) };
    if (isTooLarge(schema)) return { kind: "any", why: TOO_LARGE };
    return this.#passed.of(schema);
  }

  /** Returns the values that a parse accepts: the input of a task. */
  taken(schema: unknown): ValueSet {
    if (!isZod(schema)) return unsure(unreadable(schema));
    return isTooLarge(schema) ? unsure(TOO_LARGE) : this.#taken.of(schema);
  }
}

/** An unknown part of all values. */
function unsure(why: string): ValueSet {
  return { kind: "unsure", within: { kind: "any", why: null }, why };
}

/** The reason for a schema with too many parts, or without end. */
const TOO_LARGE = "a schema that is too large to read";

/**
 * Returns the reason for a schema of another library. No promise follows from a JSON Schema: the
 * tests without an equivalent are left out.
 */
function unreadable(schema: unknown): string {
  const standard = standardOf(schema);
  if (standard === null) return "a schema that is not made by zod 4";
  const { vendor }: { readonly vendor: unknown } = standard;
  if (vendor === "zod") return "a schema that is made by an older zod, and not by zod 4";
  const isName = typeof vendor === "string" && /^[\w@/. -]{1,60}$/.test(vendor);
  return `a schema that is made by ${isName ? vendor : "another library"}, and not by zod 4`;
}
