/**
 * Reads zod schemas as sets of values, by their public definitions. Unknown parts are explicit: a
 * set is `unsure` where a function of the author decides, and `any` where a function makes the
 * value.
 */
import { PassedSets } from "./passed-sets.ts";
import { isZod } from "./schema-parts.ts";
import { TakenSets } from "./taken-sets.ts";
import type { ValueSet } from "./value-set.ts";

/** The sets of the schemas of one project. Each schema is read once. */
export class SchemaSets {
  readonly #passed = new PassedSets();
  readonly #taken = new TakenSets(new PassedSets(true));

  /** Returns the values that a parse may return: the output of a task. */
  passed(schema: unknown): ValueSet {
    return isZod(schema) ? this.#passed.of(schema) : { kind: "any", why: UNREADABLE };
  }

  /** Returns the values that a parse accepts: the input of a task. */
  taken(schema: unknown): ValueSet {
    if (isZod(schema)) return this.#taken.of(schema);
    return { kind: "unsure", within: { kind: "any", why: null }, why: UNREADABLE };
  }
}

/** The reason for a schema of another library. */
const UNREADABLE = "a schema that is not made by zod 4";
