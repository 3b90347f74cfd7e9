/** Collects what comes in quickly and hands it on once a frame, so that a burst of events costs one drawing. */

const HIDDEN_MS = 250;

/** Returns how to add one; `flush` gets all that came since the last time, in order. */
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
    // A page that nobody sees has no frames.
    if (document.hidden) window.setTimeout(run, HIDDEN_MS);
    else requestAnimationFrame(run);
  };
}
