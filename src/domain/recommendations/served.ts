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
  readonly peach_served_by: ServedBy;
  readonly value: T;
}

/** Wraps a result. */
export function wrapServed<T>(value: T, origin: ServedBy): Served<T> {
  return { peach_served_by: origin, value };
}

/** Takes a result out of its wrapper; a result without one has no origin. */
export function unwrapServed(result: unknown): {
  readonly value: unknown;
  readonly origin: ServedBy | null;
} {
  if (typeof result !== "object" || result === null || !("peach_served_by" in result))
    return { value: result, origin: null };
  const { peach_served_by: by } = result;
  const value = "value" in result ? result.value : undefined;
  return { value, origin: originOf(by) };
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
