/**
 * A stored result with its origin: the run, the task and the time that computed it. A task wraps
 * what it stores by `servedBy`; a recommendation endpoint unwraps what its component returns, and
 * puts the origin into the token of the answer. The wrapper is plain JSON, so that every store
 * holds it.
 */

/** The computation of a result. */
export interface ServedBy {
  readonly run_id: string;
  readonly task: string;
  /** Time of the computation, ISO 8601. */
  readonly at: string;
}

/** A result with its origin. */
export interface Served<T> {
  readonly served_by: ServedBy;
  readonly value: T;
}

/** Wraps a result. */
export function wrapServed<T>(value: T, origin: ServedBy): Served<T> {
  return { served_by: origin, value };
}

/**
 * Takes a result out of its wrapper: an object with just these two properties and a valid origin. A
 * result of any other form is the value itself, of unknown origin.
 */
export function unwrapServed(result: unknown): {
  readonly value: unknown;
  readonly origin: ServedBy | null;
} {
  const origin = isWrapper(result) ? originOf(result.served_by) : null;
  return isWrapper(result) && origin !== null
    ? { value: result.value, origin }
    : { value: result, origin: null };
}

function isWrapper(
  result: unknown,
): result is { readonly served_by: unknown; readonly value: unknown } {
  if (typeof result !== "object" || result === null) return false;
  return "served_by" in result && "value" in result && Object.keys(result).length === 2;
}

/** Reads an origin; null if it is none. Only safe characters: an origin goes into a header. */
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
    at.length <= 30;
  return isWhole ? { run_id, task, at } : null;
}
