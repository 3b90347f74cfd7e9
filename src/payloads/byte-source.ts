/**
 * Reads a stream of an author or a client in blocks of a chosen size. Errors of the stream pass
 * through unchanged: the task failed, not the store.
 */
import { ProblemError } from "../domain/problem.ts";
import { withRoom } from "./chunks.ts";

export class ByteSource {
  readonly #reader: ReadableStreamDefaultReader<unknown>;
  /** Rest of the last chunk, beyond the last block. */
  #rest: Uint8Array = new Uint8Array(0);
  #buffer = new Uint8Array(0);

  constructor(stream: ReadableStream<unknown>) {
    this.#reader = stream.getReader();
  }

  /**
   * Returns the next `size` bytes, fewer at the end, and none after the end. A block is valid until
   * the next call, which reuses its memory. `expected`, if known, bounds the allocated memory.
   * Rejects with the stream's own error, or with a `ProblemError` for a chunk that is not bytes.
   */
  async nextBlock(size: number, expected: number | null = null): Promise<Uint8Array<ArrayBuffer>> {
    let filled = 0;
    for (;;) {
      const taken = Math.min(this.#rest.length, size - filled);
      this.#buffer = withRoom(this.#buffer, filled + taken, Math.min(expected ?? size, size));
      this.#buffer.set(this.#rest.subarray(0, taken), filled);
      this.#rest = this.#rest.subarray(taken);
      filled += taken;
      if (filled === size) break;
      const { done, value } = await this.#reader.read();
      if (done) break;
      if (!(value instanceof Uint8Array)) {
        const error = wrongChunk(value);
        this.cancel(error);
        throw error;
      }
      this.#rest = value;
    }
    return this.#buffer.subarray(0, filled);
  }

  /** Cancels the stream. The answer of the stream changes nothing, and may never come. */
  cancel(reason: unknown): void {
    this.#reader.cancel(reason).catch(() => undefined);
  }
}

function wrongChunk(value: unknown): ProblemError {
  const found =
    typeof value === "object" && value !== null
      ? Object.prototype.toString.call(value).slice(8, -1)
      : typeof value;
  return new ProblemError({
    code: "payload_not_serializable",
    detail: `A stream payload is a stream of bytes, and this one gave a chunk of type ${found}.`,
    hint: "Give Uint8Array chunks; a stream of strings becomes one by .pipeThrough(new TextEncoderStream()).",
  });
}
