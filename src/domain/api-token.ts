/**
 * Format of API tokens made by `POST /tokens`: `peach_`, 34 random letters and digits (202 bits),
 * and 6 check characters. A secret scanner finds a token by `peach_[0-9A-Za-z]{40}` and verifies
 * the check offline. Pure: the caller supplies the random bytes.
 */

/**
 * Minimum length of PEACH_API_TOKEN. The owner alone chooses its strength, so a shorter token is
 * refused.
 */
export const MIN_TOKEN_LETTERS = 24;

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const TOKEN = /^peach_([0-9A-Za-z]{34})([0-9A-Za-z]{6})$/;
const RANDOM_LETTERS = 34;
const CHECK_LETTERS = 6;
/**
 * Largest multiple of 62 in a byte (4 × 62). Larger bytes would favour the first letters of the
 * alphabet.
 */
const USABLE_BELOW = 248;

/**
 * Makes a token from random bytes and skips unusable bytes. Returns null if fewer than 34 are
 * usable, which 64 bytes hardly ever cause.
 */
export function apiTokenFrom(random: Uint8Array): string | null {
  const letters = [...random]
    .filter((byte) => byte < USABLE_BELOW)
    .map((byte) => ALPHABET.charAt(byte % 62));
  if (letters.length < RANDOM_LETTERS) return null;
  const text = letters.slice(0, RANDOM_LETTERS).join("");
  return `peach_${text}${checkOf(text)}`;
}

/** Tests the format and the check, not whether the token exists. */
export function isApiToken(text: string): boolean {
  const [, random = "", check] = TOKEN.exec(text) ?? [];
  return check !== undefined && checkOf(random) === check;
}

/** CRC-32 of the letters in base 62, padded with zeros. */
function checkOf(text: string): string {
  let rest = crc32(text);
  let check = "";
  while (check.length < CHECK_LETTERS) {
    check = ALPHABET.charAt(rest % 62) + check;
    rest = Math.floor(rest / 62);
  }
  return check;
}

/** CRC-32 over ASCII, as in zlib and gzip (ISO 3309). */
function crc32(text: string): number {
  let crc = 0xffffffff;
  for (let index = 0; index < text.length; index += 1) {
    crc ^= text.charCodeAt(index);
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
