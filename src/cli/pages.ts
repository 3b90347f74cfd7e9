/** Lists that the API answers page by page. */

/** What a page has, and where the next one begins; null: it is the last. */
export interface Page<Entry> {
  readonly entries: readonly Entry[];
  readonly next: string | null;
}

/** The first `limit` entries of a list, and where it goes on. `read` asks for a page of so many, at most `atOnce`, from a cursor on; without one, the first. */
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
