/** HMAC-SHA256 by WebCrypto, and digests as schemes write them. */

/** The digest of `message` under `key`. */
export async function hmacSha256(key: Uint8Array, message: Uint8Array): Promise<Uint8Array> {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, message));
}

/** Whether one of them is the digest. All are compared, each in constant time, so that the time says nothing. */
export function fitsAny(digest: Uint8Array, candidates: readonly Uint8Array[]): boolean {
  let fits = false;
  for (const candidate of candidates) {
    if (candidate.byteLength === digest.byteLength && crypto.subtle.timingSafeEqual(candidate, digest)) fits = true;
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

/** The text, then the bytes: how schemes put the time in front of the body. */
export function prefixed(prefix: string, body: Uint8Array): Uint8Array {
  const start = encodeText(prefix);
  const whole = new Uint8Array(start.byteLength + body.byteLength);
  whole.set(start);
  whole.set(body, start.byteLength);
  return whole;
}

/** UTF-8. */
export function encodeText(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
