/**
 * Reads an author's or a client's stream in blocks of a chosen size. Its own errors come through as they are: they are the
 * task's failure, not the store's.
 */
import { ProblemError } from "../domain/problem.ts";
import { withRoom } from "./chunks.ts";

export class ByteSource {
  readonly #reader: ReadableStreamDefaultReader<unknown>;
  /** What the last chunk held beyond the last block. */
  #rest: Uint8Array = new Uint8Array(0);
  #buffer = new Uint8Array(0);

  constructor(stream: ReadableStream<unknown>) {
    this.#reader = stream.getReader();
  }

  /**
   * The next `size` bytes, fewer only at the end, none after it. The block is valid until the next call: its memory is used
   * again. Where it is known how many will come, `expected` has no more memory got than for these. Rejects with the stream's own
   * error, or a `ProblemError` for a chunk that is not bytes.
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

  /** Tells the stream that nobody reads on. What it answers changes nothing, and it may never answer. */
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
