/** Reads whole streams of bytes, within a limit. */

/** First step of allocation; each further step doubles. Bytes. */
const FIRST_STEP_BYTES = 64 * 1024;

/**
 * Reads all bytes of a stream, and shows each chunk to `seen`. Null if there are more than
 * `maxBytes`: the rest stays unread, or everything if the declared size is already too large.
 */
export async function collect(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
  declared: number | null,
  seen?: (chunk: Uint8Array) => void,
): Promise<Uint8Array<ArrayBuffer> | null> {
  if (declared !== null && declared > maxBytes) return null;
  const most = declared ?? maxBytes;
  const reader = stream.getReader();
  let bytes = new Uint8Array(0);
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (size + value.byteLength > most) return null;
      seen?.(value);
      bytes = withRoom(bytes, size + value.byteLength, most);
      bytes.set(value, size);
      size += value.byteLength;
    }
  } finally {
    reader.releaseLock();
  }
  return bytes.byteLength === size ? bytes : new Uint8Array(bytes.buffer.transfer(size));
}

/**
 * Returns the bytes with room for `needed`, and for up to `most` as more bytes arrive. The declared
 * size is not allocated at once: a caller may declare ten megabytes and send none, and a hundred
 * callers would take the worker down. The given array is detached, and its memory freed.
 */
export function withRoom(
  bytes: Uint8Array<ArrayBuffer>,
  needed: number,
  most: number,
): Uint8Array<ArrayBuffer> {
  if (needed <= bytes.byteLength) return bytes;
  const step = Math.max(FIRST_STEP_BYTES, bytes.byteLength * 2);
  return new Uint8Array(bytes.buffer.transfer(Math.max(needed, Math.min(most, step))));
}

/** Joins chunks. A copied chunk leaves the list at once, so that no body is in memory twice. */
export function joined(chunks: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(chunks.reduce((size, { byteLength }) => size + byteLength, 0));
  let at = 0;
  for (let chunk = chunks.shift(); chunk !== undefined; chunk = chunks.shift()) {
    all.set(chunk, at);
    at += chunk.byteLength;
  }
  return all;
}

/** Joins chunks, whose bytes stay. A single chunk is returned as it is. */
export function concatenate(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces;
  if (only !== undefined && pieces.length === 1) return only;
  const joined = new Uint8Array(pieces.reduce((size, { length }) => size + length, 0));
  let offset = 0;
  for (const piece of pieces) {
    joined.set(piece, offset);
    offset += piece.length;
  }
  return joined;
}
