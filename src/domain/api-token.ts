/**
 * The format of API tokens that are made by `POST /tokens`: `peach_`, 34 random letters and digits (202 bits), and 6 that check them. So
 * a secret scanner finds one anywhere by `peach_[0-9A-Za-z]{40}`, and tells it from other text by the check, without asking anybody.
 * Pure: the random bytes come from outside.
 */

/** A shorter PEACH_API_TOKEN is refused: it is the one token whose strength nobody but its owner chooses. */
export const MIN_TOKEN_LETTERS = 24;

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const TOKEN = /^peach_([0-9A-Za-z]{34})([0-9A-Za-z]{6})$/;
const RANDOM_LETTERS = 34;
const CHECK_LETTERS = 6;
/** Above it a byte would prefer the first letters of the alphabet: 4 × 62. */
const USABLE_BELOW = 248;

/** A token of random bytes, of which some are passed over; null if fewer than 34 are left, as of 64 bytes hardly ever. */
export function apiTokenFrom(random: Uint8Array): string | null {
  const letters = [...random]
    .filter((byte) => byte < USABLE_BELOW)
    .map((byte) => ALPHABET.charAt(byte % 62));
  if (letters.length < RANDOM_LETTERS) return null;
  const text = letters.slice(0, RANDOM_LETTERS).join("");
  return `peach_${text}${checkOf(text)}`;
}

/** Whether this text has the format, its check included. Whether there is such a token is another question. */
export function isApiToken(text: string): boolean {
  const [, random = "", check] = TOKEN.exec(text) ?? [];
  return check !== undefined && checkOf(random) === check;
}

/** The CRC-32 of the letters in base 62, with zeros in front. */
function checkOf(text: string): string {
  let rest = crc32(text);
  let check = "";
  while (check.length < CHECK_LETTERS) {
    check = ALPHABET.charAt(rest % 62) + check;
    rest = Math.floor(rest / 62);
  }
  return check;
}

/** As zlib and gzip have it (ISO 3309), over ASCII. */
function crc32(text: string): number {
  let crc = 0xffffffff;
  for (let index = 0; index < text.length; index += 1) {
    crc ^= text.charCodeAt(index);
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
