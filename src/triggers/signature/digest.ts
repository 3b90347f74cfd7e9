/** Encodings and comparison of digests. */

/**
 * True if one candidate equals the digest. All candidates are compared, each in constant time, so
 * timing reveals nothing.
 */
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

/** Decodes base64; null for anything else. */
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
