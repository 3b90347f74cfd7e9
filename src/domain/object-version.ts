/**
 * Which version of an object a notification is about. It names none: it has an etag and a time of its own, which R2 tells nowhere
 * else; a listing has R2's version and the time of the upload, which may differ a little. Each way of meeting a version must lead to
 * the same run, whichever comes first, however late, however often.
 */

/** A version with this key and etag that was met before: by its notification, by a listing, or by both. */
export interface MetVersion {
  readonly eventTime: string | null;
  readonly version: string | null;
  /** Epoch milliseconds, of what a listing told; null if only the notification is known. */
  readonly uploadedAt: number | null;
}

/** What a version is called that a listing has met before any notification: R2's name for it, which no time of a notification is like. */
export function identityOfListed(version: string): string {
  return `version ${version}`;
}

/** How far the clock of notifications and that of uploads may be apart for one and the same upload. Milliseconds. */
const CLOCKS_APART_MS = 60_000;

/**
 * The version that a new notification of time `at` is about: one of those met by a listing only, or null if it is none of them.
 * `current` is what R2 has now, if of the same etag.
 *
 * The nearest in time it is, be it met or the current one. What is there no more must be near, for nothing else tells that it was
 * this one; what is there now may be far: of an upload in parts the times differ by as much as the upload took.
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
