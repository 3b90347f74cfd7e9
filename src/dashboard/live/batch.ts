/**
 * Collects values and passes them on once per frame, so that a burst of events costs one rendering.
 */

/** The interval while the page is hidden. */
const HIDDEN_MS = 250;

/**
 * Returns a function that adds a value. `flush` receives the values since the last call, in order.
 */
export function batchByFrame<T>(flush: (values: readonly T[]) => void): (value: T) => void {
  let values: T[] = [];
  const run = (): void => {
    const collected = values;
    values = [];
    flush(collected);
  };
  return (value) => {
    values.push(value);
    if (values.length > 1) return;
    // A hidden page has no frames.
    if (document.hidden) window.setTimeout(run, HIDDEN_MS);
    else requestAnimationFrame(run);
  };
}
