import { distance } from "fastest-levenshtein";

/** Finds the known name closest to a mistyped or shortened name; null if none is close. */
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

/** Allowed edit distance. Short names allow little, since any two of them are close. */
function tolerance(name: string): number {
  if (name.length < 2) return 0;
  return name.length < 5 ? 1 : Math.floor(name.length * 0.45);
}
