/** Delays and limits of a run object. Milliseconds. */

/**
 * When an object in R2 without a recorded trigger is looked for, and the least age for deletion. R2
 * drops an incomplete upload after seven days, so no accept can follow any more. Younger objects
 * belong to a repeated trigger.
 */
export const ABANDONED_MS = { looked: 8 * 86_400_000, age: 7 * 86_400_000 } as const;

/**
 * When a final run checks that the catalog lists the run, before the alarm is set to the end of
 * retention: by an alarm within `latest`, or else after `pause`. A run with a retention below
 * `short` checks once more before its deletion.
 */
export const LISTED_MS = { latest: 60_000, pause: 10_000, short: 600_000 } as const;

/**
 * Longest time that the alarm's handler awaits remote work: no other alarm of the run is handled
 * meanwhile.
 */
export const HELD_MS = 1_000;

/** Delay of the alarm that checks on work left running by an earlier alarm. */
export const LEFT_BEHIND_MS = 60_000;

/**
 * If an alarm comes within this time, an active run's report need not be confirmed: the alarm
 * repeats the report.
 */
export const TOLD_AGAIN_MS = 60_000;

/**
 * If an alarm comes within this time, the begin or end of a wait causes no report of its own: the
 * alarm reports the waiting tasks anyway.
 */
export const WAIT_TOLD_MS = 10_000;

/**
 * Bounds for the time that a child run is kept after its retention before asking the parents again.
 */
export const KEPT_RECHECK_MS = { least: 60_000, most: 86_400_000 } as const;
