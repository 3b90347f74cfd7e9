/** Checks values against the schemas of tasks, by zod or by another library. */
import type { ZodType } from "zod";
import { check, tooDeep, type ValueOrigin } from "./checked.ts";
import type { Issue } from "./misfit.ts";
import { type StandardSchema, validated } from "../domain/standard-schema.ts";

type CheckedValue =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly issues: readonly Issue[] };

/**
 * Limit of values for the schema of another library: lists, objects, texts, numbers and words
 * together. `check` stops at the number of places that a refusal names. Another library makes an
 * issue of about a kilobyte for each wrong place.
 */
const MAX_VALUES = 20_000;

/** Returns the value as the schema reads it, or the wrong places. */
export async function checkAny(
  schema: StandardSchema,
  value: unknown,
  origin: ValueOrigin,
): Promise<CheckedValue> {
  if (isZod(schema)) return check<unknown>(schema, value, origin);
  if (hasMoreValues(value, MAX_VALUES)) return TOO_LARGE;
  try {
    const answer = await validated(schema["~standard"], value);
    return "issues" in answer ? { ok: false, ...answer } : { ok: true, ...answer };
  } catch (error) {
    return tooDeep(error);
  }
}

const TOO_LARGE: CheckedValue = {
  ok: false,
  issues: [
    {
      path: [],
      message: `has more than ${MAX_VALUES} values, the most that are held against a schema of another library than zod`,
    },
  ],
};

/** Tests if a value has more than `most` values in it. A cycle has. */
function hasMoreValues(value: unknown, most: number): boolean {
  const open = [value];
  for (let count = 1; open.length > 0; count += 1) {
    if (count + open.length - 1 > most) return true;
    const one = open.pop();
    if (typeof one !== "object" || one === null || ArrayBuffer.isView(one)) continue;
    const parts: readonly unknown[] = Array.isArray(one) ? one : Object.values(one);
    if (parts.length > most) return true;
    open.push(...parts);
  }
  return false;
}

/** Tests if zod 4 has made a schema, whose internals `check` knows. */
export function isZod(schema: StandardSchema): schema is ZodType {
  return "_zod" in schema;
}
