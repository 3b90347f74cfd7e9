/**
 * Decodes compressed bodies, `Content-Encoding: gzip` and `deflate` (RFC 9110, section 8.4.1).
 *
 * Uses Node's decoder instead of `DecompressionStream`, which decompresses all input at once and
 * holds the result: 10 KB of a body become 10 MB in memory before the first read. Node's decoder
 * continues only after its output was read.
 */
import { createGunzip, createInflate, type Gunzip, type Inflate } from "node:zlib";
import { ok, ProblemError, refuse, type Problem, type Result } from "../domain/problem.ts";

export type ContentEncoding = "gzip" | "deflate";

/**
 * Returns the encoding of a body; null: not encoded. Refuses every other encoding with
 * `unsupported_encoding`.
 */
export function contentEncodingOf(headers: Headers): Result<ContentEncoding | null> {
  const given = headers.get("Content-Encoding")?.trim().toLowerCase() ?? "";
  switch (given) {
    case "":
    case "identity":
      return ok(null);
    case "gzip":
    case "x-gzip":
      return ok("gzip");
    case "deflate":
      return ok("deflate");
    default:
      return refuse(unsupported(given));
  }
}

/**
 * Returns the decoded body. Decodes only on a read, and never ahead of its reader. Fails with a
 * `ProblemError` on bytes of another format. A reader that stops in the middle must cancel the
 * stream, which holds the body until then.
 */
export function decodeBody(
  body: ReadableStream<Uint8Array>,
  encoding: ContentEncoding,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let decoding: Decoding | null = null;
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        decoding ??= new Decoding(body, encoding);
        const value = await decoding.next();
        if (value === null) controller.close();
        // Copies the chunk: the decoder's chunks are parts of a pool.
        else controller.enqueue(new Uint8Array(value));
      },
      cancel: (reason) => (decoding === null ? body.cancel(reason) : decoding.stop()),
    },
    { highWaterMark: 0 },
  );
}

class Decoding {
  readonly #encoding: ContentEncoding;
  readonly #decoder: Gunzip | Inflate;
  readonly #decoded: AsyncIterator<unknown>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor(body: ReadableStream<Uint8Array>, encoding: ContentEncoding) {
    this.#encoding = encoding;
    this.#decoder = encoding === "gzip" ? createGunzip() : createInflate();
    this.#decoded = this.#decoder.iterator();
    this.#reader = body.getReader();
    void this.#feed();
  }

  /** Returns the next part, or null at the end. Stops after a failure. */
  async next(): Promise<Uint8Array | null> {
    try {
      const { done = false, value } = await this.#decoded.next();
      return done || !(value instanceof Uint8Array) ? null : value;
    } catch (error) {
      // The answer neither waits for the stop nor needs its outcome.
      this.stop().catch(() => undefined);
      throw isFaulty(error) ? new ProblemError(malformed(this.#encoding)) : error;
    }
  }

  /** Stops the decoder; the rest stays unread. */
  async stop(): Promise<void> {
    this.#decoder.destroy();
    await this.#reader.cancel();
  }

  /** Feeds the decoder. An error of the body destroys the decoder, and reaches its reader. */
  async #feed(): Promise<void> {
    const decoder = this.#decoder;
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (done || decoder.destroyed) break;
        if (!decoder.write(value)) await drained(decoder);
      }
      if (!decoder.destroyed) decoder.end();
    } catch (error) {
      decoder.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

function drained(decoder: Gunzip | Inflate): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      decoder.off("drain", settle).off("close", settle);
      resolve();
    };
    decoder.on("drain", settle).on("close", settle);
  });
}

/** Recognizes zlib's errors for bytes of another format, or with a missing end. */
function isFaulty(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    /^Z_(?:DATA|BUF|NEED_DICT)/.test(String(error.code))
  );
}

function unsupported(given: string): Problem {
  return {
    code: "unsupported_encoding",
    detail: `The body is encoded as ${JSON.stringify(given)}, which is not understood.`,
    hint: "Send it with Content-Encoding gzip or deflate, or without any.",
  };
}

function malformed(encoding: ContentEncoding): Problem {
  return {
    code: "invalid_request",
    detail: `The body is declared as ${encoding}, but it is not, or its end is missing.`,
    hint: "Send it whole, or without the header Content-Encoding if it is not compressed.",
  };
}
