/**
 * Matches R2 notifications with object versions. A notification carries an etag and an event time,
 * both unique to notifications. A listing carries R2's version and upload time, which may differ
 * slightly. Notification and listing must lead to the same run, in any order, late or repeated.
 */

/** A known version of a key and etag, met by a notification, a listing, or both. */
export interface MetVersion {
  readonly eventTime: string | null;
  readonly version: string | null;
  /** Upload time of the listing in epoch milliseconds; null without a listing. */
  readonly uploadedAt: number | null;
}

/**
 * Identity of a version first met by a listing: R2's version. No event time of a notification has
 * this format.
 */
export function identityOfListed(version: string): string {
  return `version ${version}`;
}

/** Largest distance of the two clocks for one upload, in milliseconds. */
const CLOCKS_APART_MS = 60_000;

/**
 * Finds the listed version of a new notification with time `at`; null if no listed version matches.
 * `current` is the present version in R2, if its etag is equal.
 *
 * The candidate nearest in time wins, listed or current. A replaced version must be close in time,
 * since only the time identifies it. The current version may be farther away: a multipart upload
 * shifts its time by the duration of the upload.
 */
export function versionNotified<Met extends MetVersion>(
  met: readonly Met[],
  at: number,
  current: { readonly version: string; readonly uploadedAt: number } | null,
): Met | null {
  const distance = (uploadedAt: number): number => Math.abs(uploadedAt - at);
  const isCurrent = (one: Met): boolean => current !== null && one.version === current.version;
  let nearest: Met | null = null;
  let best =
    current === null || met.some(isCurrent)
      ? Number.POSITIVE_INFINITY
      : distance(current.uploadedAt);
  for (const one of met) {
    if (one.eventTime !== null || one.uploadedAt === null) continue;
    const away = distance(one.uploadedAt);
    if (away >= best || (away > CLOCKS_APART_MS && !isCurrent(one))) continue;
    nearest = one;
    best = away;
  }
  return nearest;
}
