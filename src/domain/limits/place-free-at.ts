/**
 * When a place comes free again that is taken at `now` in a window that slides, epoch milliseconds. Up to a limit of `steps` that is
 * exact to the millisecond; above, places come free together, at most so many times a window, and never early.
 */
export function placeFreeAt(now: number, windowMs: number, limit: number, steps: number): number {
  const stepMs = limit <= steps ? 1 : Math.ceil(windowMs / steps);
  return Math.ceil((now + windowMs) / stepMs) * stepMs;
}
