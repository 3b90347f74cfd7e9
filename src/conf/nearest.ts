import { distance } from "fastest-levenshtein";

/** The known name that was probably meant, or null if none is near: at most a third of its letters differ. */
export function nearest(given: string, known: Iterable<string>): string | null {
  let best: { name: string; away: number } | null = null;
  for (const name of known) {
    const away = distance(given.toLowerCase(), name.toLowerCase());
    if (away <= Math.max(1, Math.ceil(name.length / 3)) && (best === null || away < best.away)) best = { name, away };
  }
  return best?.name ?? null;
}
