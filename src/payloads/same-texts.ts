/**
 * Copies a value like a parse of its JSON, but shares its texts, which are immutable. A parse of
 * ten megabytes with one letter beyond Latin-1 would take forty more in V8, text and value
 * together.
 */

const MAX_VALUES = 10_000;
const MAX_DEPTH = 100;

/**
 * Copies a value that `writeJson` has written; null for a value with getters, or above the limits.
 */
export function withSameTexts(value: unknown): { readonly value: unknown } | null {
  let left = MAX_VALUES;
  try {
    return { value: copy(value, MAX_DEPTH) };
  } catch (error) {
    if (error instanceof NotCopied) return null;
    throw error;
  }

  function copy(from: unknown, depth: number): unknown {
    if (typeof from !== "object" || from === null) return from;
    const keys = Object.keys(from);
    left -= keys.length;
    if (left < 0 || depth === 0) throw new NotCopied();
    if (Array.isArray(from))
      return Array.from(from, (_, index) => copy(dataOf(from, String(index)), depth - 1));
    // Drops undefined properties, and copies a property named __proto__ as an own one.
    const entries = keys
      .map((key) => [key, dataOf(from, key)] as const)
      .filter(([, one]) => one !== undefined);
    return Object.fromEntries(entries.map(([key, one]) => [key, copy(one, depth - 1)]));
  }
}

class NotCopied extends Error {}

/** Reads a data property. A getter could return another value than the written one. */
function dataOf(object: object, key: string): unknown {
  const property = Object.getOwnPropertyDescriptor(object, key);
  if (property === undefined || !("value" in property)) throw new NotCopied();
  const value: unknown = property.value;
  return value;
}
