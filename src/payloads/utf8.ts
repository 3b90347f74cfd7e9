/**
 * Decodes UTF-8 bytes to text. Avoids `TextDecoder`: for a text that is not all ASCII, the
 * platform's decoder takes four extra bytes per byte, and makes every letter two bytes wide.
 */
import { Buffer, isUtf8 } from "node:buffer";

const BYTE_ORDER_MARK = "\uFEFF";

/** Decodes bytes; null if they are not UTF-8. Keeps a byte order mark. */
export function utf8Text(bytes: Uint8Array): string | null {
  return isUtf8(bytes) ? decodeUtf8(bytes) : null;
}

/** Decodes any bytes, with U+FFFD for invalid ones. Keeps a byte order mark. */
export function decodeUtf8({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("utf8");
}

/** Decodes any bytes, without a leading byte order mark. */
export function decodeUtf8Document(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes);
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(BYTE_ORDER_MARK.length) : text;
}

/**
 * Maps each byte to a letter. Sufficient where only ASCII counts, as outside of JSON's texts, and
 * takes one byte per byte: V8 holds a text with one letter beyond Latin-1 in two bytes a letter.
 */
export function byteLetters({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
}
