/** How long the object of a run waits for what. Milliseconds. */

/**
 * When an object is looked for whose trigger was never recorded, and how old it must be. R2 drops an upload that was not completed
 * after seven days, so no accept can follow any more; younger objects are of a trigger that was sent again.
 */
export const ABANDONED_MS = { looked: 8 * 86_400_000, age: 7 * 86_400_000 } as const;

/**
 * When a run that is final looks whether the catalogue has it, before its alarm is set to the end of its retention: by an alarm that is
 * set anyway, if it comes within `latest`, else after `pause`. A run that is deleted sooner than `short` after its end looks once more.
 */
export const LISTED_MS = { latest: 60_000, pause: 10_000, short: 600_000 } as const;

/** So long the alarm's handler waits for what it does elsewhere: no other alarm of the run is handled meanwhile. */
export const HELD_MS = 1_000;

/** What takes longer goes on, and is looked after again then. */
export const LEFT_BEHIND_MS = 60_000;

/** An alarm within that time tells the catalogue again of a run that is not final; else it must keep the run at once. */
export const TOLD_AGAIN_MS = 60_000;

/** How long a child run whose retention is over is kept before it asks again whether its parent has ended. */
export const KEPT_PAUSE_MS = { least: 60_000, most: 86_400_000 } as const;
