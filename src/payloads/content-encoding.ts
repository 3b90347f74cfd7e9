/**
 * Decodes bodies that were compressed on their way, `Content-Encoding: gzip` and `deflate` (RFC 9110, section 8.4.1).
 *
 * Node's own decoder, and not `DecompressionStream`: that one decompresses whatever it is given at once and holds the result, so that
 * 10 KB of a body become 10 MB in memory before anybody has read a byte. This one goes on only when what it has made was taken.
 */
import { createGunzip, createInflate, type Gunzip, type Inflate } from "node:zlib";
import { ok, ProblemError, refuse, type Problem, type Result } from "../domain/problem.ts";

export type ContentEncoding = "gzip" | "deflate";

/** The encoding that a body is decoded from; null: it is as it is. Refuses every other with `unsupported_encoding`. */
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
 * The decoded body, of which nothing is decoded ahead of its reader, and nothing is read before. Fails with a `ProblemError` where it is not
 * what it says. Whoever stops in the middle must cancel it: until then it holds the body.
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
        // A copy: the decoder's chunks are parts of a pool.
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

  /** The next part, null at the end. What fails is stopped. */
  async next(): Promise<Uint8Array | null> {
    try {
      const { done = false, value } = await this.#decoded.next();
      return done || !(value instanceof Uint8Array) ? null : value;
    } catch (error) {
      // The answer does not wait for it, nor for what it comes to.
      this.stop().catch(() => undefined);
      throw isFaulty(error) ? new ProblemError(malformed(this.#encoding)) : error;
    }
  }

  /** The rest is not read. */
  async stop(): Promise<void> {
    this.#decoder.destroy();
    await this.#reader.cancel();
  }

  /** An error of the body itself destroys the decoder with it, and is what its reader gets. */
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

/** What zlib says of bytes that are none of its own, or end too early. */
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
