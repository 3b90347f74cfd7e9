/**
 * Draws tiles one after another in short tasks: drawing never blocks scrolling. The newest tile is
 * drawn first, since the user sees it.
 */

/** The time that one task may take for drawing, in milliseconds. */
const SLICE_MS = 10;

/** Tiles to draw, the newest last. */
const waiting: (() => void)[] = [];
/** True while a task is scheduled: a second one would double the load. */
let isScheduled = false;

/** Calls `draw` soon. The returned function cancels the call. */
export function drawSoon(draw: () => void): () => void {
  waiting.push(draw);
  if (!isScheduled) schedule();
  return () => {
    const at = waiting.indexOf(draw);
    if (at !== -1) waiting.splice(at, 1);
  };
}

/** Draws for one slice of time in a task of its own, and schedules the rest. */
function schedule(): void {
  isScheduled = true;
  window.setTimeout(() => {
    isScheduled = false;
    const end = performance.now() + SLICE_MS;
    do waiting.pop()?.();
    while (waiting.length > 0 && performance.now() < end);
    if (waiting.length > 0) schedule();
  }, 0);
}
