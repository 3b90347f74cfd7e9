/**
 * Reads the bodies of requests: never more than the reader's limit, whether a length is declared or not, and decoded. Every body that
 * is read whole in this folder is read here; what is passed on as a stream is opened here.
 */
import { ok, ProblemError, refuse, type Problem, type Result } from "../domain/problem.ts";
import { collect } from "../payloads/chunks.ts";
import { contentEncodingOf, decodeBody } from "../payloads/content-encoding.ts";
import type { IncomingBody } from "../payloads/request-body.ts";

/** The length of the body as declared, or null. Bytes. */
export function declaredLength({ headers }: Request): number | null {
  const declared = headers.get("Content-Length");
  return declared === null ? null : Number(declared);
}

/** The whole body, decoded. Refuses with `payload_too_large`, at once if the declared length tells, and for its encoding. */
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
    // A decoder holds the body until it is told that nobody reads on.
    if (body !== request.body) await body.cancel();
    return refuse(tooLarge(maxBytes));
  } catch (error) {
    if (error instanceof ProblemError) return refuse(error.problem);
    throw error;
  }
}

/** A body that is not read yet, decoded. */
export interface OpenedBody {
  readonly body: ReadableStream<Uint8Array> | null;
  /** Null if it is not known before. Bytes. */
  readonly contentLength: number | null;
}

/** The body for a reader that counts for itself; `body` stands for the request's own, as it was sent. Refuses an encoding. */
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

/** The same with its content type, as a payload is made of it. */
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
