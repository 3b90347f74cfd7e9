/**
 * Release time of a place taken at `now` in a sliding window, epoch milliseconds. Exact to the
 * millisecond up to `steps` places; above, releases are grouped, at most `steps` per window and
 * never early.
 */
export function placeFreeAt(now: number, windowMs: number, limit: number, steps: number): number {
  const stepMs = limit <= steps ? 1 : Math.ceil(windowMs / steps);
  return Math.ceil((now + windowMs) / stepMs) * stepMs;
}
