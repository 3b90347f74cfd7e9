/**
 * The code in the link that `npm run dev` prints: it logs one browser in, once, on the local runtime. `EXPIRES.NONCE.MAC`, where the key
 * of the MAC is PEACH_API_TOKEN itself, which only its owner and the worker know. Web Crypto only: the codes are made in Node.
 */

/** A link is no good for longer. Milliseconds. */
const CODE_LIFETIME_MS = 12 * 3_600_000;

export interface LoginCode {
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** 32 hex digits, of this code alone. */
  readonly nonce: string;
}

/** A new code, good until `CODE_LIFETIME_MS` after `now`. */
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

/** The code if the text is one that was made with this token, and has not expired; else null. */
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

/** Node has no `toHex` yet. */
function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
