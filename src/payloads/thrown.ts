/**
 * The errors of asynchronous parts and checks of a schema, kept until the check of a value ends.
 * Zod drops the promises of the others as soon as one of them throws at once, and awaits the checks
 * of a schema one after the other: a rejected promise without a handler ends a process.
 */
import type * as z from "zod";

type Schema = z.core.$ZodType;
type Payload = z.core.ParsePayload;

export interface Thrown {
  readonly errors: unknown[];
  /** The errors around those of a union's options. */
  readonly outer: Thrown | null;
  /** An option accepted the value at once. Zod then drops the promises of the options before it. */
  isAnswered: boolean;
}

/** Makes the errors of a check, or those of the options of a union within. */
export function newThrown(outer: Thrown | null = null): Thrown {
  return { errors: outer?.errors ?? [], outer, isAnswered: false };
}

/** Keeps an error for the end of the check. The issue stops what comes behind the part. */
export function keep(error: unknown, inst: Schema, payload: Payload, thrown: Thrown): Payload {
  if (!isDropped(thrown)) thrown.errors.push(error);
  payload.issues.push({ code: "custom", input: undefined, inst, message: "threw" });
  return payload;
}

/** Tests if zod drops the promise of the part: its error does not count. */
function isDropped(thrown: Thrown): boolean {
  for (let one: Thrown | null = thrown; one !== null; one = one.outer)
    if (one.isAnswered) return true;
  return false;
}

/** Key of the errors in a payload, which zod passes to the checks. A text, as in checked.ts. */
const THROWN = "~peach thrown";

type Result = Payload & { [THROWN]?: Thrown };
type Check = z.core.$ZodCheck;

/**
 * Keeps the errors of the checks of the schema that may be asynchronous. `thrownOf` finds where:
 * undefined for a parse that is not part of our check.
 */
export function keepErrorsOfChecks(
  schema: Schema,
  thrownOf: (context: z.core.ParseContextInternal) => Thrown | null | undefined,
): void {
  const checks = checksOf(schema);
  if (checks.length === 0) return;
  for (const one of checks) keepErrorsOf(one, schema);
  const { _zod: internals } = schema;
  let parse = internals.parse.bind(internals);
  const linked: typeof parse = (payload, context) => {
    const result = parse(payload, context);
    const thrown = thrownOf(context);
    if (thrown === undefined || thrown === null) return result;
    return result instanceof Promise
      ? result.then((one) => link(one, thrown))
      : link(result, thrown);
  };
  // Zod sets the function anew when it finds that a schema is not recursive.
  Object.defineProperty(internals, "parse", {
    get: () => linked,
    set: (value: typeof parse) => {
      parse = value;
    },
  });
}

/** Zod calls a check with the result of the schema's parse, and without a context. */
function link(result: Result, thrown: Thrown): Result {
  result[THROWN] = thrown;
  return result;
}

/** A check may be part of several schemas. */
function keepErrorsOf(check: Check, schema: Schema): void {
  const { _zod: internals }: { readonly _zod: Check["_zod"] & { [THROWN]?: true } } = check;
  if (internals[THROWN] === true) return;
  internals[THROWN] = true;
  const run = internals.check.bind(internals);
  internals.check = (payload: z.core.ParsePayload<never> & Result) => {
    const result = run(payload);
    const thrown = payload[THROWN];
    if (thrown === undefined || !(result instanceof Promise)) return result;
    return result.catch((error: unknown) => {
      keep(error, schema, payload, thrown);
    });
  };
}

/** Functions of the author, and checks of properties by a schema. Others are never asynchronous. */
const MAYBE_ASYNC: ReadonlySet<string> = new Set(["custom", "property", "properties"]);

/** A schema of a function is a check itself. */
function checksOf(schema: Schema): Check[] {
  const { _zod: internals } = schema;
  const { checks = [] } = internals.def;
  return [schema, ...checks].filter(isMaybeAsync);
}

function isMaybeAsync(one: Schema | Check): one is Check {
  const { _zod: internals } = one;
  return "check" in internals.def && MAYBE_ASYNC.has(internals.def.check);
}
