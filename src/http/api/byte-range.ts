/**
 * Parses the `Range` header (RFC 9110, section 14). One range of bytes is supported; anything else
 * is ignored, as the RFC allows.
 */

/** A part of a payload. */
export interface ByteRange {
  readonly offset: number;
  /** Length in bytes, at least 1. */
  readonly length: number;
}

/**
 * Parses the header. Returns null for the whole payload, and `unsatisfiable` for a range that
 * begins behind the end or is empty.
 *
 * ```ts
 * byteRange("bytes=0-99", 1_000); // { offset: 0, length: 100 }
 * byteRange("bytes=-100", 1_000); // { offset: 900, length: 100 }
 * byteRange("bytes=2000-", 1_000); // "unsatisfiable"
 * ```
 */
export function byteRange(
  header: string | undefined,
  size: number,
): ByteRange | "unsatisfiable" | null {
  const [, first = "", last = ""] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? "") ?? [];
  if (first === "" && last === "") return null;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { offset: size - length, length };
  }
  const offset = Number(first);
  if (last !== "" && Number(last) < offset) return null;
  if (offset >= size) return "unsatisfiable";
  const end = last === "" ? size : Math.min(Number(last) + 1, size);
  return { offset, length: end - offset };
}
