/** Reads lists of the API page by page. */

/** A page, and the cursor of the next page; null after the last. */
export interface Page<Entry> {
  readonly entries: readonly Entry[];
  readonly next: string | null;
}

/**
 * Reads the first `limit` entries of a list, and returns the cursor behind them. `read` requests a
 * page of at most `atOnce` entries from a cursor; undefined is the beginning.
 */
export async function firstEntries<Entry>(
  limit: number,
  atOnce: number,
  read: (page: {
    readonly limit: number;
    readonly cursor: string | undefined;
  }) => Promise<Page<Entry>>,
): Promise<Page<Entry>> {
  const found: Entry[] = [];
  let cursor: string | undefined;
  do {
    const { entries, next } = await read({ limit: Math.min(atOnce, limit - found.length), cursor });
    found.push(...entries);
    cursor = next ?? undefined;
  } while (cursor !== undefined && found.length < limit);
  return { entries: found, next: cursor ?? null };
}
