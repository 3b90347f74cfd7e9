/**
 * Signs and verifies the code in the link that `npm run dev` prints: it logs in one browser, once,
 * on the local runtime. Format: `EXPIRES.NONCE.MAC`, an HMAC-SHA-256 with PEACH_API_TOKEN as its
 * key, which only the owner and the worker know. The file uses Web Crypto only, because Node makes
 * the codes.
 */

/** Lifetime of a link. */
const CODE_LIFETIME_MS = 12 * 3_600_000;

/** The verified content of a code. */
export interface LoginCode {
  /** Expiry in epoch milliseconds. */
  readonly expiresAt: number;
  /** Random, 32 hex digits. Redeemed nonces are stored, so that a code works once. */
  readonly nonce: string;
}

/** Makes a code that expires `CODE_LIFETIME_MS` after `now`. */
export async function signLoginCode(token: string, now: number): Promise<string> {
  const expiresAt = now + CODE_LIFETIME_MS;
  const nonce = hexOf(crypto.getRandomValues(new Uint8Array(16)));
  const mac = await crypto.subtle.sign(
    "HMAC",
    await keyOf(token, "sign"),
    messageOf(expiresAt, nonce),
  );
  return `${expiresAt}.${nonce}.${hexOf(new Uint8Array(mac))}`;
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
  const [, expires, nonce, mac] = /^(\d{1,15})\.([0-9a-f]{32})\.([0-9a-f]{64})$/.exec(text) ?? [];
  if (token === "" || expires === undefined || nonce === undefined || mac === undefined)
    return null;
  const expiresAt = Number(expires);
  // `verify` compares in constant time.
  const key = await keyOf(token, "verify");
  const isOurs = await crypto.subtle.verify(
    "HMAC",
    key,
    Uint8Array.fromHex(mac),
    messageOf(expiresAt, nonce),
  );
  return isOurs && now < expiresAt && expiresAt <= now + CODE_LIFETIME_MS
    ? { expiresAt, nonce }
    : null;
}

function keyOf(token: string, usage: "sign" | "verify") {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", new TextEncoder().encode(token), algorithm, false, [usage]);
}

function messageOf(expiresAt: number, nonce: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(new TextEncoder().encode(`peach login v2\n${expiresAt}\n${nonce}`));
}

/** Formats bytes as hex. Node does not have `toHex` yet. */
function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
