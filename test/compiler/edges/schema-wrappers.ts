/** Schemas around random schemas: what may be absent, defaults, refinements, changes, pipes. */
import { z } from "zod";
import { checkNow } from "../../../src/payloads/checked.ts";
import type { Side } from "./schema-samples.ts";

/** Makes a schema around another one. `value` makes inputs of the inner schema. */
type Wrapper = (side: Side, value: () => unknown) => Side;

function made(schema: z.ZodType, code: string): Side {
  return { schema, code };
}

/** All wrappers. The most usual ones stand twice. */
export const WRAPPERS: readonly Wrapper[] = [
  ({ schema, code }) => made(schema.optional(), `${code}.optional()`),
  ({ schema, code }) => made(schema.optional(), `${code}.optional()`),
  ({ schema, code }) => made(schema.nullable(), `${code}.nullable()`),
  ({ schema, code }) => made(schema.nullish(), `${code}.nullish()`),
  ({ schema, code }, value) => {
    const given = parsedBy(schema, value());
    return made(
      schema.default(() => given),
      `${code}.default(${shown(given)})`,
    );
  },
  ({ schema, code }, value) => {
    const given = value();
    return made(
      schema.prefault(() => given),
      `${code}.prefault(${shown(given)})`,
    );
  },
  ({ schema, code }, value) => {
    const given = value();
    return made(schema.catch(given), `${code}.catch(${shown(given)})`);
  },
  ({ schema, code }) => made(z.exactOptional(schema), `z.exactOptional(${code})`),
  ({ schema, code }) => made(z.exactOptional(schema), `z.exactOptional(${code})`),
  ({ schema, code }) => made(schema.optional().nonoptional(), `${code}.optional().nonoptional()`),
  ({ schema, code }) => made(schema.nonoptional(), `${code}.nonoptional()`),
  ({ schema, code }) => made(schema.readonly(), `${code}.readonly()`),
  ({ schema, code }) => made(schema.brand("b").describe("one"), `${code}.brand("b").describe("one")`),
  ({ schema, code }) => made(schema.pipe(schema), `${code}.pipe(the same)`),
  ({ schema, code }) =>
    made(
      schema.refine((one) => JSON.stringify(one)?.length !== 3),
      `${code}.refine(fn)`,
    ),
  ({ schema, code }) =>
    made(
      z.lazy(() => schema),
      `z.lazy(() => ${code})`,
    ),
  // Undefined where the types do not expect it.
  ({ schema, code }) => made(schema.default(undefined), `${code}.default(undefined)`),
  ({ schema, code }) => made(schema.catch(undefined), `${code}.catch(undefined)`),
  ({ schema, code }) => made(schema.prefault(undefined), `${code}.prefault(undefined)`),
  ({ schema, code }) => made(z.union([schema, z.undefined()]), `z.union([${code}, z.undefined()])`),
  ({ schema, code }) =>
    made(z.union([schema, z.null(), z.any().refine(hasLength)]), `z.union([${code}, z.null(), any])`),
  // Values that depend on what is wrong, and those of functions.
  ({ schema, code }) =>
    made(
      schema.catch((fault: z.core.$ZodCatchCtx) => (typeof fault.value === "number" ? "number" : null)),
      `${code}.catch(by the fault)`,
    ),
  ({ schema, code }) =>
    made(
      schema.transform((one) => one),
      `${code}.transform(same)`,
    ),
  ({ schema, code }) => made(schema.transform(lengthOf).pipe(z.number()), `${code}.transform(length).pipe(z.number())`),
  ({ schema, code }) =>
    made(
      z.preprocess((one) => one ?? "a", schema),
      `z.preprocess(?? "a", ${code})`,
    ),
  ({ schema, code }) =>
    made(z.codec(schema, schema, { decode: (one) => one, encode: (one) => one }), `z.codec(${code}, the same, same)`),
  ({ schema, code }) =>
    made(
      schema.overwrite((one) => (typeof one === "string" ? one.slice(1) : Array.isArray(one) ? one.slice(1) : one)),
      `${code}.overwrite(slice)`,
    ),
  ({ schema, code }) =>
    made(
      schema.check((payload) => {
        payload.value = 1;
      }),
      `${code}.check(= 1)`,
    ),
  // Checks on schemas of other types.
  ({ schema, code }) => made(schema.check(z.minLength(2)), `${code}.check(z.minLength(2))`),
  ({ schema, code }) => made(schema.check(z.gt(1)), `${code}.check(z.gt(1))`),
  ({ schema, code }) => made(schema.check(z.regex(/^a/)), `${code}.check(z.regex(/^a/))`),
  ({ schema, code }) =>
    made(schema.check(z.property("length", z.any())), `${code}.check(z.property("length", z.any()))`),
  ({ schema, code }) => made(schema.pipe(z.any()), `${code}.pipe(z.any())`),
  ({ schema, code }) => made(schema.pipe(z.unknown().optional()), `${code}.pipe(z.unknown().optional())`),
  ({ schema, code }) => made(z.any().pipe(schema), `z.any().pipe(${code})`),
  ({ schema, code }) => made(z.xor([schema, z.null()]), `z.xor([${code}, z.null()])`),
  ({ schema, code }) => made(z.intersection(schema, z.any()), `z.intersection(${code}, z.any())`),
  ({ schema, code }) => made(z.intersection(schema, schema), `z.intersection(${code}, the same)`),
  ({ schema, code }) => made(z.promise(schema), `z.promise(${code})`),
  ({ schema, code }) => made(z.success(schema), `z.success(${code})`),
];

/** Puts the wrapper of a number around a schema. */
export function wrapped(side: Side, kind: number, value: () => unknown): Side {
  const [wrapper] = WRAPPERS.slice(kind);
  if (wrapper === undefined) throw new Error("no such wrapper");
  return wrapper(side, value);
}

/** A refinement that throws for null. */
function hasLength(value: unknown): boolean {
  return Reflect.has(Object(value), "length") || lengthOf(value) > 2;
}

/** A transform that throws for null. */
function lengthOf(value: unknown): number {
  if (value === null || value === undefined) throw new TypeError("no value");
  return JSON.stringify(value)?.length ?? 0;
}

/** What the schema makes of a value; null if it refuses it. */
function parsedBy(schema: z.ZodType, value: unknown): unknown {
  try {
    const parsed = checkNow<unknown>(schema, value);
    return parsed.ok ? parsed.value : null;
  } catch {
    return null;
  }
}

function shown(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "undefined";
  } catch {
    return "…";
  }
}
