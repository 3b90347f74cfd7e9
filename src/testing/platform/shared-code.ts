/**
 * The parts of the worker's code that all isolates share, and the state that each has of its own.
 */

/** The access to the state of the modules, in `module.state` of prepared code. */
export interface ModuleState {
  /** Begins the state of every module anew. */
  fresh(): void;
  /** Copies the state of the modules into this record. */
  save(into: Record<string, unknown>): void;
  /** Copies the record back into the modules. */
  restore(from: Readonly<Record<string, unknown>>): void;
  /** Constants, functions and classes. */
  readonly shared: readonly unknown[];
}

/** Freezes the shared parts. Objects made by a library are left alone. */
export function freezeShared(shared: readonly unknown[]): void {
  const seen = new Set<object>();
  for (const value of shared) freeze(value, seen);
}

function freeze(value: unknown, seen: Set<object>): void {
  const isFunction = typeof value === "function";
  if ((typeof value !== "object" && !isFunction) || value === null || seen.has(value)) return;
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
  if (!isFunction && !isPlain) return;
  seen.add(value);
  for (const { value: part } of Object.values(Object.getOwnPropertyDescriptors(value)))
    freeze(part, seen);
  if (isFunction && typeof value.prototype === "object" && value.prototype !== null)
    Object.freeze(value.prototype);
  Object.freeze(value);
}
