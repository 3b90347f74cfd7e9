/**
 * Bytes in UTF-8 as a text. Not by `TextDecoder`: the platform's one takes four bytes beside each of a text that is not all ASCII, and
 * makes every letter of it two bytes wide.
 */
import { Buffer, isUtf8 } from "node:buffer";

const BYTE_ORDER_MARK = "\uFEFF";

/** The text of bytes that may be none in UTF-8; null if they are none. A byte order mark is part of it. */
export function utf8Text(bytes: Uint8Array): string | null {
  return isUtf8(bytes) ? decodeUtf8(bytes) : null;
}

/** The text of any bytes, U+FFFD for what is no UTF-8. A byte order mark is part of it. */
export function decodeUtf8({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("utf8");
}

/** The same without a byte order mark before it. */
export function decodeUtf8Document(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes);
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(BYTE_ORDER_MARK.length) : text;
}

/**
 * Each byte as a letter. Where only what is ASCII counts, as outside of JSON's texts, it says the same in as many bytes: V8 holds a text
 * with one letter beyond Latin-1 in two bytes a letter.
 */
export function byteLetters({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
}
