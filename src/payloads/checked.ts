/**
 * Holds values against schemas without collecting more of what is wrong than is named: zod makes an issue for each wrong item, and of
 * 2 MB of wrong items 300 MB of issues, before it answers.
 *
 * Where a list, object, record, tuple, map or set has more wrong items than a refusal names, its further items are not looked at. They
 * count as wrong, so that the verdict is what zod's would be, and nothing is made of them. In the options of a union that stands in another
 * the first wrong part is enough: nobody is told of more, and each level of a schema that refers to itself would make twenty of one.
 *
 * Each schema is taught that once, in place; whoever else parses with it (its author) gets what zod gives, since only the context of
 * `check` asks for it.
 */
import type { z } from "zod";
import { MAX_WRONG_PLACES } from "./misfit.ts";

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  /** Those that a refusal names, and one more if there are more. */
  | { readonly ok: false; readonly issues: readonly z.core.$ZodIssue[] };

/** The value as the schema reads it, or the first places that are wrong, in the order in which zod finds them. */
export async function check<T>(schema: z.ZodType<T>, value: unknown): Promise<Checked<T>> {
  teach(schema);
  try {
    return checkedOf(await schema.safeParseAsync(value, newContext()));
  } catch (error) {
    return tooDeep(error);
  }
}

/** The same of a schema in which nothing is asynchronous. */
export function checkNow<T>(schema: z.ZodType<T>, value: unknown): Checked<T> {
  teach(schema);
  try {
    return checkedOf(schema.safeParse(value, newContext()));
  } catch (error) {
    return tooDeep(error);
  }
}

/** What the parts of a schema report to while one value is held against it. */
interface Sink {
  /** Issues of the parts until now. */
  count: number;
  /** Infinite where parts stand for each other, as the options of a union do: what is wrong with one says nothing of the next. */
  readonly limit: number;
  /** Further parts are not looked at, and that is an issue already. */
  isClosed: boolean;
  /** How many unions it is in. */
  readonly unions: number;
  /** They are the sides of an intersection, which takes a name that only one of two records has: neither may stop at those of the other. */
  readonly isShared: boolean;
}

/** In zod's context, which it hands down. */
const SINK = Symbol("sink");

type Schema = z.core.$ZodType;
type Context = z.core.ParseContextInternal & { readonly [SINK]?: Sink };

/** Schemas whose parts are so many as the value has. */
const CONTAINERS: ReadonlySet<string> = new Set([
  "array",
  "object",
  "record",
  "tuple",
  "map",
  "set",
]);

const taught = new WeakSet<Schema>();

function teach(schema: Schema): void {
  if (taught.has(schema)) return;
  taught.add(schema);
  const { _zod: internals } = schema;
  const run = internals.run.bind(internals);
  const limit = limitOf(schema);
  const { type } = internals.def;
  // What a lazy schema stands for is known when it is needed, and may be what it is part of.
  const isLazy = type === "lazy";
  const isContainer = CONTAINERS.has(type);
  const isUnion = optionsOf(schema).length > 1;
  const parts = isLazy ? [] : partsOf(internals.def);
  for (const part of parts) teach(part);
  internals.run = (payload, context: Context) => {
    const sink = context[SINK];
    if (sink === undefined) return run(payload, context);
    if (sink.count > sink.limit) return leaveOut(schema, payload, sink);
    if (isLazy) for (const part of innerOf(schema)) teach(part);
    const before = payload.issues.length;
    const unions = sink.unions + Number(isUnion);
    const isWhole = sink.isShared && type === "record";
    const most = isWhole ? Number.POSITIVE_INFINITY : unions > 1 && isContainer ? 0 : limit;
    const isShared = type === "intersection" || (sink.isShared && !isContainer);
    const inner =
      isLazy || parts.length > 0
        ? { ...context, [SINK]: newSink(most, unions, isShared) }
        : context;
    const result = run(payload, inner);
    if (!(result instanceof Promise)) return count(result, sink, before);
    return result.then((settled) => count(settled, sink, before));
  };
}

function count(result: z.core.ParsePayload, sink: Sink, before: number): z.core.ParsePayload {
  sink.count += Math.max(0, result.issues.length - before);
  return result;
}

/** Without `continue`, an issue keeps the checks and transforms behind it from seeing what was left out. */
function leaveOut(inst: Schema, payload: z.core.ParsePayload, sink: Sink): z.core.ParsePayload {
  if (!sink.isClosed)
    payload.issues.push({ code: "custom", input: undefined, inst, message: "was not looked at" });
  sink.isClosed = true;
  return payload;
}

function limitOf(schema: Schema): number {
  const { _zod: internals } = schema;
  if (CONTAINERS.has(internals.def.type)) return MAX_WRONG_PLACES;
  // Of a union that has one option zod runs that one in its place.
  const [only, ...others] = optionsOf(schema);
  return only !== undefined && others.length === 0 ? limitOf(only) : Number.POSITIVE_INFINITY;
}

/** Of a union. One that is told by a property is none: the issues of its one option that fits are its own. */
function optionsOf({ _zod: { def } }: Schema): Schema[] {
  const options: unknown = "discriminator" in def ? [] : Reflect.get(def, "options");
  return Array.isArray(options) ? options.filter(isSchema) : [];
}

/** The schemas that a definition names: as one, in a list, or by the names of its properties. */
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

function newSink(limit: number, unions = 0, isShared = false): Sink {
  return { count: 0, limit, isClosed: false, unions, isShared };
}

/** Without code that zod makes of a schema: it does not come by here. */
function newContext(): z.core.ParseContext<z.core.$ZodIssue> {
  const context: z.core.ParseContext<z.core.$ZodIssue> & Pick<Context, typeof SINK> = {
    jitless: true,
    [SINK]: newSink(Number.POSITIVE_INFINITY),
  };
  return context;
}

function checkedOf<T>(parsed: z.ZodSafeParseResult<T>): Checked<T> {
  if (parsed.success) return { ok: true, value: parsed.data };
  return { ok: false, issues: parsed.error.issues.slice(0, MAX_WRONG_PLACES + 1) };
}

/** A schema that refers to itself goes down by recursion. */
function tooDeep(error: unknown): Checked<never> {
  if (!(error instanceof RangeError) || !/call stack/i.test(error.message)) throw error;
  const message = "is nested too deep to be held against the schema";
  return { ok: false, issues: [{ code: "custom", path: [], message, input: undefined }] };
}
