/**
 * Short texts that prove, until they expire, that their bearer has had an API token: `EXPIRES.NONCE.MAC`. The key of the MAC is
 * the token's own SHA-256 digest, so nobody can make one for a token with more rights than theirs, a token that is no longer
 * configured takes them along, and there is nothing to store. Web Crypto only: `npm run dev` makes them in Node.
 */

/** What a grant is for; one is worth nothing as another. `session`: a browser's cookie. `login`: a link that logs it in. */
export type GrantPurpose = "session" | "login";

export interface Grant {
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** 32 hex digits, of this grant alone. */
  readonly nonce: string;
}

/** A new grant as text. `digest` is the SHA-256 of the API token, `expiresAt` milliseconds since 1970. */
export async function signGrant(digest: Uint8Array, purpose: GrantPurpose, expiresAt: number): Promise<string> {
  const nonce = hexOf(crypto.getRandomValues(new Uint8Array(16)));
  const mac = await crypto.subtle.sign("HMAC", await keyOf(digest, "sign"), messageOf(purpose, expiresAt, nonce));
  return `${expiresAt}.${nonce}.${hexOf(new Uint8Array(mac))}`;
}

/** The grant if the text is one for this purpose, made with this digest, and not expired; else null. */
export async function verifyGrant(
  text: string,
  digest: Uint8Array,
  purpose: GrantPurpose,
  now: number,
): Promise<Grant | null> {
  const [, expires, nonce, mac] = /^(\d{1,15})\.([0-9a-f]{32})\.([0-9a-f]{64})$/.exec(text) ?? [];
  if (expires === undefined || nonce === undefined || mac === undefined) return null;
  const expiresAt = Number(expires);
  const message = messageOf(purpose, expiresAt, nonce);
  // `verify` compares in constant time.
  const isOurs = await crypto.subtle.verify("HMAC", await keyOf(digest, "verify"), Uint8Array.fromHex(mac), message);
  return isOurs && now < expiresAt ? { expiresAt, nonce } : null;
}

function keyOf(digest: Uint8Array, usage: "sign" | "verify") {
  return crypto.subtle.importKey("raw", Uint8Array.from(digest), { name: "HMAC", hash: "SHA-256" }, false, [usage]);
}

function messageOf(purpose: GrantPurpose, expiresAt: number, nonce: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(new TextEncoder().encode(`peach ${purpose} v1\n${expiresAt}\n${nonce}`));
}

/** Node has no `toHex` yet. */
function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
