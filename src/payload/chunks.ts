/** Streams of bytes read whole, within a limit. */

/**
 * All bytes of a stream, each chunk shown to `seen` as it comes; null if there are more than `maxBytes`, and then the rest is left
 * unread, all of it if so many are declared. A declared length is what is allocated, once; without one the chunks are put together.
 */
export async function collect(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
  declared: number | null,
  seen?: (chunk: Uint8Array) => void,
): Promise<Uint8Array<ArrayBuffer> | null> {
  if (declared !== null && declared > maxBytes) return null;
  const reader = stream.getReader();
  const whole = declared === null ? null : new Uint8Array(declared);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (size + value.byteLength > (declared ?? maxBytes)) return null;
      seen?.(value);
      if (whole === null) chunks.push(value);
      else whole.set(value, size);
      size += value.byteLength;
    }
  } finally {
    reader.releaseLock();
  }
  if (whole === null) return joined(chunks);
  return whole.byteLength === size ? whole : whole.slice(0, size);
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
