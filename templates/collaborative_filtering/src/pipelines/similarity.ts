/**
 * Item-based collaborative filtering: Sarwar, Karypis, Konstan, Riedl, "Item-based collaborative
 * filtering recommendation algorithms", WWW 2001, with the cosine of implicit interactions (a user
 * has played an item, or has not).
 */

/** The items of each user, oldest first. */
export type Histories = ReadonlyMap<string, ReadonlySet<string>>;

/** An item and its score; higher is better. */
export type Scored = [item: string, score: number];

/** The newest items of a user that count: each pair of them costs a step. */
const MAX_HISTORY = 200;
/** The nearest items that are kept of each item. */
const MAX_NEIGHBOURS = 50;

/**
 * Computes the nearest items of each item, best first. The similarity of two items is the number of
 * users who have both, divided by the square root of the product of the numbers of users who have
 * each.
 */
export function similarItems(histories: Histories): Map<string, Scored[]> {
  const users = new Map<string, number>();
  const both = new Map<string, Map<string, number>>();
  for (const history of histories.values()) {
    const items = [...history].slice(-MAX_HISTORY);
    for (const item of items) {
      count(users, item);
      const others = rowOf(both, item);
      for (const other of items) if (other !== item) count(others, other);
    }
  }
  const similarity = (item: string, other: string, common: number) =>
    common / Math.sqrt((users.get(item) ?? 0) * (users.get(other) ?? 0));
  return new Map(
    [...both].map(([item, others]) => [
      item,
      best(
        [...others].map(([other, common]): Scored => [other, similarity(item, other, common)]),
        MAX_NEIGHBOURS,
      ),
    ]),
  );
}

/**
 * Recommends items that are similar to those of a history, without the items that are in it, best
 * first, at most `limit`. The score of an item is the sum of its similarities.
 */
export function recommended(
  history: ReadonlySet<string>,
  similar: ReadonlyMap<string, readonly Scored[]>,
  limit: number,
): Scored[] {
  const scores = new Map<string, number>();
  for (const item of [...history].slice(-MAX_HISTORY))
    for (const [other, similarity] of similar.get(item) ?? [])
      if (!history.has(other)) count(scores, other, similarity);
  return best([...scores], limit);
}

/** The items that most users have, best first, at most `limit`. */
export function popularItems(histories: Histories, limit: number): Scored[] {
  const users = new Map<string, number>();
  for (const history of histories.values()) for (const item of history) count(users, item);
  return best([...users], limit);
}

/** Equal scores are in the order of the items' names, so that the same data gives the same list. */
function best(scored: Scored[], limit: number): Scored[] {
  return scored.toSorted(([a, scoreA], [b, scoreB]) => scoreB - scoreA || (a < b ? -1 : 1)).slice(0, limit);
}

function count(counts: Map<string, number>, key: string, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

function rowOf(rows: Map<string, Map<string, number>>, key: string): Map<string, number> {
  const row = rows.get(key) ?? new Map<string, number>();
  rows.set(key, row);
  return row;
}
