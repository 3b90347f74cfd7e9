/**
 * Reads zod schemas as sets of values, by their public definitions. What is not known of a schema
 * is said: `unsure` where a function of the author decides, `any` where one makes the value.
 */
import { PassedSets } from "./passed-sets.ts";
import { isZod } from "./schema-parts.ts";
import { TakenSets } from "./taken-sets.ts";
import type { ValueSet } from "./value-set.ts";

/** The sets of the schemas of one project. Each schema is read once. */
export class SchemaSets {
  readonly #passed = new PassedSets();
  readonly #taken = new TakenSets(this.#passed);

  /** The values that a parse with the schema may return. */
  passed(schema: unknown): ValueSet {
    return isZod(schema) ? this.#passed.of(schema) : { kind: "any", why: UNREADABLE };
  }

  /** The values that a parse with the schema accepts. */
  taken(schema: unknown): ValueSet {
    if (isZod(schema)) return this.#taken.of(schema);
    return { kind: "unsure", within: { kind: "any", why: null }, why: UNREADABLE };
  }
}

const UNREADABLE = "a schema that is not made by zod 4";
