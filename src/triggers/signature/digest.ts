/** Digests as schemes write them, and how they are compared. */

/** Whether one of them is the digest. All are compared, each in constant time, so that the time says nothing. */
export function fitsAny(digest: Uint8Array, candidates: readonly Uint8Array[]): boolean {
  let fits = false;
  for (const candidate of candidates) {
    if (
      candidate.byteLength === digest.byteLength &&
      crypto.subtle.timingSafeEqual(candidate, digest)
    )
      fits = true;
  }
  return fits;
}

/** The bytes, or null if this is no base64. */
export function decodeBase64(text: string): Uint8Array | null {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    return null;
  }
}

/** UTF-8. */
export function encodeText(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
