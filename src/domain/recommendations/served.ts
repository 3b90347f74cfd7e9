/**
 * A stored result with an origin: run, task and time of the computation. A task wraps a result by
 * `servedBy` before the result is stored. A recommendation endpoint unwraps the result of a
 * component, and puts the origin into the token of the answer. The wrapper is plain JSON, for every
 * store.
 *
 * The endpoint trusts a wrapper with the mark only. The mark is a symbol, and JSON holds no
 * symbols. JSON of another service thus has no origin, also where a component passes the JSON on.
 * `readServed` marks a wrapper from the store of a component.
 */

/** The computation of a result. */
export interface ServedBy {
  readonly run_id: string;
  readonly task: string;
  /** Time of the computation, ISO 8601. */
  readonly at: string;
}

/** A result with an origin. */
export interface Served<T> {
  readonly served_by: ServedBy;
  readonly value: T;
}

/**
 * The mark, from the registry of symbols: a project may bundle this module twice. A copy by
 * `{...stored, value}` has the mark too.
 */
const MARK = Symbol.for("peach.served");

/** A time in ISO 8601, with its zone. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/;

/** Wraps a result. */
export function wrapServed<T>(value: T, origin: ServedBy): Served<T> {
  return marked(value, origin);
}

/** Marks a stored wrapper. Throws a `TypeError` for another value, or for an invalid origin. */
export function markServed<T>(stored: unknown): Served<T> {
  const origin = isWrapper(stored) ? originOf(stored.served_by) : null;
  if (!isWrapper(stored) || origin === null)
    throw new TypeError("the stored result has no origin: a task stores it by `servedBy`");
  // The author's type of the value is a promise of the author.
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return marked(stored.value as T, origin);
}

/**
 * Takes a result out of a wrapper with the mark. Any other result is the value itself, of unknown
 * origin.
 */
export function unwrapServed(result: unknown): {
  readonly value: unknown;
  readonly origin: ServedBy | null;
} {
  const origin = isWrapper(result) && MARK in result ? originOf(result.served_by) : null;
  return isWrapper(result) && origin !== null
    ? { value: result.value, origin }
    : { value: result, origin: null };
}

/** Makes a wrapper with the mark. */
function marked<T>(value: T, served_by: ServedBy): Served<T> {
  const served = { served_by, value, [MARK]: true };
  return served;
}

function isWrapper(
  result: unknown,
): result is { readonly served_by: unknown; readonly value: unknown } {
  if (typeof result !== "object" || result === null) return false;
  return "served_by" in result && "value" in result && Object.keys(result).length === 2;
}

/** Reads an origin; null for another value. An origin has safe characters only, for headers. */
export function originOf(given: unknown): ServedBy | null {
  if (typeof given !== "object" || given === null) return null;
  const run_id: unknown = Reflect.get(given, "run_id");
  const task: unknown = Reflect.get(given, "task");
  const at: unknown = Reflect.get(given, "at");
  const isWhole =
    typeof run_id === "string" &&
    /^run_\w{26}$/.test(run_id) &&
    typeof task === "string" &&
    /^[\w-]{1,64}$/.test(task) &&
    typeof at === "string" &&
    TIME.test(at);
  return isWhole ? { run_id, task, at } : null;
}
