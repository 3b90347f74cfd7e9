/** The known name that a mistyped one most likely means, for hints. */
import { distance } from "fastest-levenshtein";

/** The candidate closest to `name`, ignoring case, or null if none is close (more than a third of its letters differ). */
export function nearest(name: string, candidates: Iterable<string>): string | null {
  const wanted = name.toLowerCase();
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.ceil(name.length / 3)) + 1;
  for (const candidate of candidates) {
    const apart = distance(wanted, candidate.toLowerCase());
    if (apart < bestDistance) [best, bestDistance] = [candidate, apart];
  }
  return best;
}
