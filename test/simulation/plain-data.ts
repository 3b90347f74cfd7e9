/** Plain data (what a call carries, what a journal tells): copied and compared without a detour over text. */

type Parts = Readonly<Record<string, unknown>>;

const NOTHING: readonly string[] = [];

/** A copy that shares nothing with it; as a call over the network, it takes no functions and no objects of classes. */
export function copied<T>(value: T): T;
export function copied(value: unknown): unknown {
  if (typeof value === "function" || typeof value === "symbol")
    throw new TypeError(`${String(value)} could not be cloned`);
  if (!hasParts(value)) return value;
  if (Array.isArray(value)) return value.map(copied);
  if (value instanceof Uint8Array) return value.slice();
  if (value instanceof Set) return new Set(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    throw new TypeError(`${Object.prototype.toString.call(value)} could not be cloned`);
  const copy: Record<string, unknown> = {};
  for (const key in value) copy[key] = copied(value[key]);
  return copy;
}

/** Whether JSON would tell no difference between the two; of sets, the order is none. `except`: parts of the two that do not count. */
export function isSame(one: unknown, other: unknown, except = NOTHING): boolean {
  if (one === other) return true;
  if (!hasParts(one) || !hasParts(other)) return isNullInJson(one) && isNullInJson(other);
  if (Array.isArray(one)) {
    if (!Array.isArray(other) || one.length !== other.length) return false;
    for (let index = 0; index < one.length; index += 1) if (!isSame(one[index], other[index])) return false;
    return true;
  }
  if (one instanceof Set) return other instanceof Set && one.size === other.size && one.isSubsetOf(other);
  return !Array.isArray(other) && !(other instanceof Set) && haveSameParts(one, other, except);
}

function haveSameParts(one: Parts, other: Parts, except: readonly string[]): boolean {
  for (const key in one) if (!except.includes(key) && !isSame(one[key], other[key])) return false;
  for (const key in other)
    if (other[key] !== undefined && one[key] === undefined && !except.includes(key)) return false;
  return true;
}

function hasParts(value: unknown): value is Parts {
  return typeof value === "object" && value !== null;
}

function isNullInJson(value: unknown): boolean {
  return value === null || (typeof value === "number" && !Number.isFinite(value));
}
