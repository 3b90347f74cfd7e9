/**
 * Decodes bodies that were compressed on their way, `Content-Encoding: gzip` and `deflate` (RFC 9110, section 8.4.1).
 *
 * Node's own decoder, and not `DecompressionStream`: that one decompresses whatever it is given at once and holds the result, so that
 * 10 KB of a body become 10 MB in memory before anybody has read a byte. This one goes on only when what it has made was taken.
 */
import { createGunzip, createInflate, type Gunzip, type Inflate } from "node:zlib";
import { ok, ProblemError, refuse, type Problem, type Result } from "../core/result.ts";

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

/** The decoded body, of which nothing is decoded ahead of its reader. Fails with a `ProblemError` where it is not what it says. */
export function decodeBody(
  body: ReadableStream<Uint8Array>,
  encoding: ContentEncoding,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const decoder = encoding === "gzip" ? createGunzip() : createInflate();
  const decoded = decoder.iterator();
  void feed(decoder, body);
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        const { done = false, value } = await next(decoded, encoding);
        if (done || !(value instanceof Uint8Array)) controller.close();
        // A copy: the decoder's chunks are parts of a pool.
        else controller.enqueue(new Uint8Array(value));
      },
      cancel() {
        decoder.destroy();
      },
    },
    { highWaterMark: 0 },
  );
}

/** An error of the body itself destroys the decoder with it, and is what its reader gets. */
async function feed(decoder: Gunzip | Inflate, body: ReadableStream<Uint8Array>): Promise<void> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || decoder.destroyed) break;
      if (!decoder.write(value)) await drained(decoder);
    }
    if (decoder.destroyed) await reader.cancel();
    else decoder.end();
  } catch (error) {
    decoder.destroy(error instanceof Error ? error : new Error(String(error)));
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

async function next(
  decoded: AsyncIterator<unknown>,
  encoding: ContentEncoding,
): Promise<{ readonly done?: boolean; readonly value: unknown }> {
  try {
    return await decoded.next();
  } catch (error) {
    if (isFaulty(error)) throw new ProblemError(malformed(encoding));
    throw error;
  }
}

/** What zlib says of bytes that are none of its own, or end too early. */
function isFaulty(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^Z_(?:DATA|BUF|NEED_DICT)/.test(String(error.code));
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
