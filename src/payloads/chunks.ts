/** Streams of bytes read whole, within a limit. */

/** Memory for what has come is got in steps, each twice the one before, from here on. Bytes. */
const FIRST_STEP_BYTES = 64 * 1024;

/**
 * All bytes of a stream, each chunk shown to `seen` as it comes; null if there are more than `maxBytes`, and then the rest is left
 * unread, all of it if so many are declared.
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
 * These bytes with room for `needed`, and for up to `most` as more of them come. Not at once for all that is declared: a caller may declare
 * ten megabytes and send none, and a hundred callers would take the worker down. The array that is given is given up, and its memory with it.
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

/** The chunks as one. What was copied is taken off the list at once, so that no body is there twice as a whole. */
export function joined(chunks: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(chunks.reduce((size, { byteLength }) => size + byteLength, 0));
  let at = 0;
  for (let chunk = chunks.shift(); chunk !== undefined; chunk = chunks.shift()) {
    all.set(chunk, at);
    at += chunk.byteLength;
  }
  return all;
}
