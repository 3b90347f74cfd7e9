/** The time in which a signal arrives that has already ended a child of this process. */
const ARRIVAL_MS = 200;

/**
 * Tests if this process was told to end. Ctrl-C in a terminal ends the bundler as well, and the end
 * of the bundler may be seen first: the signal then has a moment to arrive.
 */
export function wasInterrupted(signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve(true);
      return;
    }
    const timer = setTimeout(() => resolve(false), ARRIVAL_MS);
    const onAbort = (): void => {
      clearTimeout(timer);
      resolve(true);
    };
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
