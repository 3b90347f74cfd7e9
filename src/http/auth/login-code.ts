/**
 * Signs and verifies the code in the link that `npm run dev` prints: it logs in one browser, once,
 * on the local runtime. A code is 15 bytes in base64url, since the link must fit a line of a
 * terminal: the expiry in seconds, a nonce, and the first bytes of an HMAC-SHA-256 with
 * PEACH_API_TOKEN as its key, which only the owner and the worker know. Guesses count towards the
 * failure limit of log-ins. The file uses Web Crypto only, because Node makes the codes.
 */

/** Lifetime of a link, in seconds. */
const LIFETIME = 12 * 3_600;
/** The parts of a code, in bytes. */
const EXPIRY_BYTES = 4;
/** Lengths of the parts of a code, in bytes. */
const NONCE_BYTES = 3;
const MAC_BYTES = 8;
const SIGNED_BYTES = EXPIRY_BYTES + NONCE_BYTES;

/** The verified content of a code. */
export interface LoginCode {
  /** Expiry in epoch milliseconds. */
  readonly expiresAt: number;
  /** Identifies the code. Redeemed codes are stored, so that each works once. */
  readonly id: string;
}

/** Makes a code that expires twelve hours after `now`. */
export async function signLoginCode(token: string, now: number): Promise<string> {
  const signed = new Uint8Array(SIGNED_BYTES);
  new DataView(signed.buffer).setUint32(0, Math.floor(now / 1_000) + LIFETIME);
  crypto.getRandomValues(signed.subarray(EXPIRY_BYTES));
  const mac = await macOf(token, signed);
  return textOf(Uint8Array.of(...signed, ...mac));
}

/**
 * Verifies a code. Returns null if it was not made with this token, has expired, or claims a longer
 * lifetime than codes have.
 */
export async function verifyLoginCode(
  text: string,
  token: string,
  now: number,
): Promise<LoginCode | null> {
  if (token === "" || !/^[\w-]{20}$/.test(text)) return null;
  const code = bytesOf(text);
  const signed = code.slice(0, SIGNED_BYTES);
  const mac = await macOf(token, signed);
  if (!areEqual(mac, code.subarray(SIGNED_BYTES))) return null;
  const expiry = new DataView(signed.buffer).getUint32(0);
  const second = Math.floor(now / 1_000);
  if (expiry <= second || expiry > second + LIFETIME) return null;
  return { expiresAt: expiry * 1_000, id: textOf(signed) };
}

/** Makes the signature of a code. */
async function macOf(token: string, signed: Uint8Array): Promise<Uint8Array> {
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const secret = encoder.encode(token);
  const key = await crypto.subtle.importKey("raw", secret, algorithm, false, ["sign"]);
  const message = Uint8Array.of(...encoder.encode("peach login v3\n"), ...signed);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, message)).subarray(0, MAC_BYTES);
}

/** Compares two signatures in constant time. */
function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.reduce((all, byte, at) => all | (byte ^ (b[at] ?? 0)), 0) === 0;
}

/** Encodes bytes as base64url. Node does not have `toBase64` yet. */
function textOf(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** Decodes base64url. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}
