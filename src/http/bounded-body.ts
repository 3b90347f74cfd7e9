/**
 * Reads request bodies, decoded and never beyond the caller's limit, with or without a declared
 * length. All code of this folder that buffers a whole body calls `readBounded`; code that streams
 * one calls `openBody`.
 */
import { ok, ProblemError, refuse, type Problem, type Result } from "../domain/problem.ts";
import { collect } from "../payloads/chunks.ts";
import { contentEncodingOf, decodeBody } from "../payloads/content-encoding.ts";
import type { IncomingBody } from "../payloads/request-body.ts";

/** Returns the declared length of the body in bytes; null without `Content-Length`. */
export function declaredLength({ headers }: Request): number | null {
  const declared = headers.get("Content-Length");
  return declared === null ? null : Number(declared);
}

/**
 * Reads and decodes the whole body. Refuses with `payload_too_large` (before reading, if the
 * declared length is over the limit) or `unsupported_encoding`.
 */
export async function readBounded(
  request: Request,
  maxBytes: number,
): Promise<Result<Uint8Array<ArrayBuffer>>> {
  const opened = openBody(request);
  if (!opened.ok) return opened;
  const { body, contentLength } = opened.value;
  if (Math.max(contentLength ?? 0, declaredLength(request) ?? 0) > maxBytes)
    return refuse(tooLarge(maxBytes));
  if (body === null) return ok(new Uint8Array(0));
  try {
    const bytes = await collect(body, maxBytes, contentLength);
    if (bytes !== null) return ok(bytes);
    // A decoder keeps the body open until its output is cancelled.
    if (body !== request.body) await body.cancel();
    return refuse(tooLarge(maxBytes));
  } catch (error) {
    if (error instanceof ProblemError) return refuse(error.problem);
    throw error;
  }
}

/** A decoded body that has not been read yet. */
export interface OpenedBody {
  readonly body: ReadableStream<Uint8Array> | null;
  /** Length in bytes; null if unknown, as for every compressed body. */
  readonly contentLength: number | null;
}

/**
 * Opens the body for a reader that enforces its own limit. `body` replaces the request's own
 * stream, with the same encoding. Refuses unknown encodings with `unsupported_encoding`.
 */
export function openBody(
  request: Request,
  body: OpenedBody["body"] = request.body,
): Result<OpenedBody> {
  const encoding = contentEncodingOf(request.headers);
  if (!encoding.ok) return encoding;
  if (body === null || encoding.value === null)
    return ok({ body, contentLength: declaredLength(request) });
  return ok({ body: decodeBody(body, encoding.value), contentLength: null });
}

/** Opens the body together with its content type, in the form that payload encoding reads. */
export function incomingBody(
  request: Request,
  body: OpenedBody["body"] = request.body,
): Result<IncomingBody> {
  const opened = openBody(request, body);
  return opened.ok
    ? ok({ ...opened.value, contentType: request.headers.get("Content-Type") })
    : opened;
}

function tooLarge(maxBytes: number): Problem {
  return {
    code: "payload_too_large",
    detail: `The body has more than ${maxBytes} bytes, the most that is taken here.`,
    hint: "Send less.",
  };
}
