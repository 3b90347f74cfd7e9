/** Which part of a payload a request asks for (RFC 9110, section 14): one range of bytes; whatever else it asks for is ignored. */

export interface ByteRange {
  readonly offset: number;
  /** Bytes, at least one. */
  readonly length: number;
}

/** The range; null: the whole; `unsatisfiable`: it begins behind the end, or has no byte. */
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
