/**
 * Finds keys that are indented as far as their owner, the key that was meant to hold them:
 *
 *     transcribe:
 *     method: transcribe
 */

/** An empty key, and the keys that stand beside this owner and belong below. */
export interface Misplaced {
  readonly owner: string;
  readonly keys: readonly string[];
}

/**
 * Finds each key without a value whose next keys do not belong beside it. `belongs` tests if a key
 * belongs to the mapping itself.
 */
export function misplacedKeys(
  mapping: Readonly<Record<string, unknown>>,
  belongs: (key: string, value: unknown) => boolean,
): Misplaced[] {
  const found: { owner: string; keys: string[] }[] = [];
  let last: { owner: string; keys: string[] } | null = null;
  for (const [key, value] of Object.entries(mapping)) {
    if (belongs(key, value)) {
      last = value === null ? { owner: key, keys: [] } : null;
      if (last !== null) found.push(last);
    } else last?.keys.push(key);
  }
  return found.filter(({ keys }) => keys.length > 0);
}
