import { distance } from "fastest-levenshtein";

/** The known name that was probably meant, or null if none is near: mistyped in places, or cut short. */
export function nearest(given: string, known: Iterable<string>): string | null {
  const lower = given.toLowerCase();
  let best: { name: string; away: number } | null = null;
  for (const name of known) {
    const away =
      lower.length >= 3 && name.toLowerCase().startsWith(lower)
        ? 1
        : distance(lower, name.toLowerCase());
    if (away <= tolerance(name) && (best === null || away < best.away)) best = { name, away };
  }
  return best?.name ?? null;
}

/** Of short names little may differ: every two of them are near. */
function tolerance(name: string): number {
  if (name.length < 2) return 0;
  return name.length < 5 ? 1 : Math.floor(name.length * 0.45);
}
