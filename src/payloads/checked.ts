/**
 * Checks values against schemas and stops early. Zod makes an issue for each wrong item, and of 2
 * MB of wrong items 300 MB of issues, before its answer.
 *
 * A container (list, object, record, tuple, map or set) with more wrong items than a refusal names
 * skips its further items. Skipped items count as wrong, so the verdict is the verdict of zod, and
 * no issues are made of them. In the options of a nested union the first wrong part is enough: a
 * refusal names no more of them, and each level of a recursive schema would make twenty of one.
 *
 * Zod finds a cycle by its memory of objects under way. Two other objects look the same to zod
 * while an asynchronous part is awaited: one at two places of a value, and one that two options of
 * a union read with a common schema. Zod accepts both without a look. A check therefore takes zod's
 * memory away, and refuses cycles itself: no payload can hold a cycle.
 *
 * Each schema is patched once, in place. Other users of the schema, such as its author, get plain
 * zod, since only the context of `check` asks for the early stop.
 */
import type * as z from "zod";
import { MAX_WRONG_PLACES } from "./misfit.ts";
import { keep, keepErrorsOfChecks, newThrown, type Thrown } from "./thrown.ts";

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  /** Issues up to the limit of a refusal, and one more if there are more. */
  | { readonly ok: false; readonly issues: readonly z.core.$ZodIssue[] };

/** The origin of a value. Values of code may have cycles; decoded values are trees. */
export type ValueOrigin = "decoded" | "made";

/** Returns the value as the schema reads it, or the first wrong places in zod's order. */
export async function check<T>(
  schema: z.ZodType<T>,
  value: unknown,
  origin: ValueOrigin = "made",
): Promise<Checked<T>> {
  teach(schema);
  const thrown = newThrown();
  try {
    const context = newContext(thrown, origin === "made" ? OUTERMOST : null);
    const checked = checkedOf(await schema.safeParseAsync(value, context));
    for (const error of thrown.errors) throw error;
    return checked;
  } catch (error) {
    return tooDeep(error);
  }
}

/** Checks a decoded value against a schema without asynchronous parts. */
export function checkNow<T>(schema: z.ZodType<T>, value: unknown): Checked<T> {
  teach(schema);
  try {
    return checkedOf(schema.safeParse(value, newContext(newThrown(), null)));
  } catch (error) {
    return tooDeep(error);
  }
}

/**
 * The issues that a schema keeps of its parts. Zod drops some issues of a part: those of an absent
 * optional property or item, and those of a name that a record passes on or reads as a number.
 */
interface Sink {
  /** The schema's own payload. After each part it has the issues that the schema keeps. */
  readonly payload: z.core.ParsePayload;
  /** Issues that were there before the first part. */
  readonly before: number;
  /**
   * Limit of issues; infinite for alternatives, such as the options of a union: the issues of one
   * option do not count for the next.
   */
  readonly limit: number;
  /** The limit is reached; further parts are skipped, and an issue says so. */
  isClosed: boolean;
  /** Number of enclosing unions. */
  readonly unions: number;
  /**
   * The parts are the sides of an intersection, which accepts a key that only one of two records
   * has: neither side may stop at the issues of the other.
   */
  readonly isShared: boolean;
  readonly thrown: Thrown;
  /** The parts are the options of a union that ends with the first option that fits. */
  readonly isChoice: boolean;
  /** The innermost container; null without a search for cycles. */
  readonly reading: Reading | null;
}

/** A container schema with its value, and the container around both. */
interface Reading {
  readonly schema: Schema | null;
  readonly value: unknown;
  readonly outer: Reading | null;
}

/**
 * Key of the counter in zod's context, which zod passes down. This key and `TAUGHT` are texts: the
 * test kit runs many isolates on the same schemas, and a schema must be patched once for all.
 */
const SINK = "~peach sink";

/** The end of the chain. */
const OUTERMOST: Reading = { schema: null, value: undefined, outer: null };

/** Key of zod's memory in the context. */
const MEMORY = "~memo";

type Schema = z.core.$ZodType;
type Context = z.core.ParseContextInternal & { readonly [SINK]?: Sink };

/** Schemas with as many parts as the value has. */
const CONTAINERS: ReadonlySet<string> = new Set([
  "array",
  "object",
  "record",
  "tuple",
  "map",
  "set",
]);

/** Key of the mark of a patched schema. */
const TAUGHT = "~peach taught";

function teach(schema: Schema): void {
  const { _zod: internals }: { readonly _zod: Schema["_zod"] & { [TAUGHT]?: true } } = schema;
  if (internals[TAUGHT] === true) return;
  internals[TAUGHT] = true;
  const run = internals.run.bind(internals);
  const limit = limitOf(schema);
  const { type } = internals.def;
  // The schema behind a lazy schema is known when needed, and may contain the lazy schema.
  const isLazy = type === "lazy";
  const isContainer = CONTAINERS.has(type);
  const isUnion = optionsOf(schema).length > 1;
  const parts = isLazy ? [] : partsOf(internals.def);
  for (const part of parts) teach(part);
  const isChoice = type === "union" && Reflect.get(internals.def, "inclusive") !== false;
  keepErrorsOfChecks(schema, ({ [SINK]: sink }: Context) =>
    isChoice ? sink?.thrown.outer : sink?.thrown,
  );
  internals.run = (payload, context: Context) => {
    const sink = context[SINK];
    if (sink === undefined) return run(payload, context);
    if (isFull(sink)) return leaveOut(schema, payload, sink);
    if (isLazy) for (const part of innerOf(schema)) teach(part);
    const unions = sink.unions + Number(isUnion);
    const isWhole = sink.isShared && type === "record";
    const most = isWhole ? Number.POSITIVE_INFINITY : unions > 1 && isContainer ? 0 : limit;
    const isShared = type === "intersection" || (sink.isShared && !isContainer);
    const { value } = payload;
    const outer = sink.reading;
    const isTracked = isContainer && outer !== null;
    if (isTracked && isRead(schema, value, outer)) return refuseCycle(schema, payload);
    const reading = isTracked ? { schema, value, outer } : outer;
    const inner =
      isLazy || parts.length > 0
        ? {
            ...context,
            [SINK]: {
              ...newSink(payload, most, isChoice ? newThrown(sink.thrown) : sink.thrown, reading),
              unions,
              isShared,
              isChoice,
            },
            [MEMORY]: undefined,
          }
        : context;
    const result = run(payload, inner);
    if (result instanceof Promise)
      return result.catch((error: unknown) => keep(error, schema, payload, sink.thrown));
    if (sink.isChoice && result.issues.length === 0) sink.thrown.isAnswered = true;
    return result;
  };
}

function isFull({ payload, before, limit }: Sink): boolean {
  return payload.issues.length - before > limit;
}

/** Tests if the schema reads the value further out. */
function isRead(schema: Schema, value: unknown, reading: Reading | null): boolean {
  for (let one = reading; one !== null; one = one.outer)
    if (one.value === value && one.schema === schema) return true;
  return false;
}

function refuseCycle(inst: Schema, payload: z.core.ParsePayload): z.core.ParsePayload {
  const message = "is a circular reference: the value is part of itself";
  payload.issues.push({ code: "custom", input: undefined, inst, message });
  return payload;
}

/** The issue lacks `continue`, so that later checks and transforms do not see the skipped parts. */
function leaveOut(inst: Schema, payload: z.core.ParsePayload, sink: Sink): z.core.ParsePayload {
  if (!sink.isClosed)
    payload.issues.push({ code: "custom", input: undefined, inst, message: "was not looked at" });
  sink.isClosed = true;
  return payload;
}

function limitOf(schema: Schema): number {
  const { _zod: internals } = schema;
  if (CONTAINERS.has(internals.def.type)) return MAX_WRONG_PLACES;
  // Zod runs the only option of a union in place of the union.
  const [only, ...others] = optionsOf(schema);
  return only !== undefined && others.length === 0 ? limitOf(only) : Number.POSITIVE_INFINITY;
}

/**
 * Options of a union. A discriminated union counts as none: the issues of its one matching option
 * are its own.
 */
function optionsOf({ _zod: { def } }: Schema): Schema[] {
  const options: unknown = "discriminator" in def ? [] : Reflect.get(def, "options");
  return Array.isArray(options) ? options.filter(isSchema) : [];
}

/** Schemas in a definition: alone, in a list, or as named properties. */
function partsOf(def: object): Schema[] {
  return Object.values(def).flatMap((value: unknown) => {
    if (isSchema(value)) return [value];
    return typeof value === "object" && value !== null ? Object.values(value).filter(isSchema) : [];
  });
}

function innerOf({ _zod: internals }: Schema): Schema[] {
  const inner: unknown = Reflect.get(internals, "innerType");
  return isSchema(inner) ? [inner] : [];
}

function isSchema(value: unknown): value is Schema {
  if (typeof value !== "object" || value === null || !("_zod" in value)) return false;
  const { _zod: internals } = value;
  return typeof internals === "object" && internals !== null && "run" in internals;
}

function newSink(
  payload: z.core.ParsePayload,
  limit: number,
  thrown: Thrown,
  reading: Reading | null,
): Sink {
  const before = payload.issues.length;
  return {
    payload,
    before,
    limit,
    isClosed: false,
    unions: 0,
    isShared: false,
    isChoice: false,
    thrown,
    reading,
  };
}

/** Disables zod's generated code, which bypasses the patch. */
function newContext(
  thrown: Thrown,
  reading: Reading | null,
): z.core.ParseContext<z.core.$ZodIssue> {
  const payload = { value: undefined, issues: [] };
  const context: z.core.ParseContext<z.core.$ZodIssue> & Pick<Context, typeof SINK> = {
    jitless: true,
    [SINK]: newSink(payload, Number.POSITIVE_INFINITY, thrown, reading),
  };
  return context;
}

function checkedOf<T>(parsed: z.ZodSafeParseResult<T>): Checked<T> {
  if (parsed.success) return { ok: true, value: parsed.data };
  return { ok: false, issues: parsed.error.issues.slice(0, MAX_WRONG_PLACES + 1) };
}

/** A recursive schema is checked by recursion, which may overflow the stack. */
export function tooDeep(error: unknown): Checked<never> {
  if (!(error instanceof RangeError) || !/call stack/i.test(error.message)) throw error;
  const message = "is nested too deep to be held against the schema";
  return { ok: false, issues: [{ code: "custom", path: [], message, input: undefined }] };
}
