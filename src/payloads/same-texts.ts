/**
 * A value as its JSON would be parsed, with the texts that it has: they cannot change, and V8 would hold ten megabytes with one letter
 * beyond Latin-1 as forty more, text and value together, if they were read from the bytes again.
 */

const MAX_VALUES = 10_000;
const MAX_DEPTH = 100;

/** A copy of a value that `writeJson` has written; null of one with getters, or of more than is copied here. */
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
    // Without what is undefined, and a property named __proto__ is one.
    const entries = keys
      .map((key) => [key, dataOf(from, key)] as const)
      .filter(([, one]) => one !== undefined);
    return Object.fromEntries(entries.map(([key, one]) => [key, copy(one, depth - 1)]));
  }
}

class NotCopied extends Error {}

/** Read again, a getter may give something else than what was written. */
function dataOf(object: object, key: string): unknown {
  const property = Object.getOwnPropertyDescriptor(object, key);
  if (property === undefined || !("value" in property)) throw new NotCopied();
  const value: unknown = property.value;
  return value;
}
