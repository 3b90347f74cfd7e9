/**
 * Reads the bodies of requests: never more than the reader's limit, whether a length is declared or not, and decoded. Every body that
 * is read whole in this folder is read here; what is passed on as a stream is opened here.
 */
import { ok, ProblemError, refuse, type Problem, type Result } from "../core/result.ts";
import { contentEncodingOf, decodeBody } from "../payload/content-encoding.ts";
import type { IncomingBody } from "../payload/request-body.ts";

/** The length of the body as declared, or null. Bytes. */
export function declaredLength({ headers }: Request): number | null {
  const declared = headers.get("Content-Length");
  return declared === null ? null : Number(declared);
}

/** The whole body, decoded. Refuses with `payload_too_large`, at once if the declared length tells, and for its encoding. */
export async function readBounded(request: Request, maxBytes: number): Promise<Result<Uint8Array<ArrayBuffer>>> {
  const opened = openBody(request);
  if (!opened.ok) return opened;
  const { body, contentLength } = opened.value;
  if (Math.max(contentLength ?? 0, declaredLength(request) ?? 0) > maxBytes) return refuse(tooLarge(maxBytes));
  if (body === null) return ok(new Uint8Array(0));
  try {
    const bytes = await collect(body, maxBytes, contentLength);
    return bytes === null ? refuse(tooLarge(maxBytes)) : ok(bytes);
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
export function openBody(request: Request, body: OpenedBody["body"] = request.body): Result<OpenedBody> {
  const encoding = contentEncodingOf(request.headers);
  if (!encoding.ok) return encoding;
  if (body === null || encoding.value === null) return ok({ body, contentLength: declaredLength(request) });
  return ok({ body: decodeBody(body, encoding.value), contentLength: null });
}

/** The same with its content type, as a payload is made of it. */
export function incomingBody(request: Request, body: OpenedBody["body"] = request.body): Result<IncomingBody> {
  const opened = openBody(request, body);
  return opened.ok ? ok({ ...opened.value, contentType: request.headers.get("Content-Type") }) : opened;
}

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
      if (done) return whole !== null && whole.byteLength === size ? whole : joined(whole, chunks, size);
      if (size + value.byteLength > (declared ?? maxBytes)) return null;
      seen?.(value);
      if (whole === null) chunks.push(value);
      else whole.set(value, size);
      size += value.byteLength;
    }
  } finally {
    reader.releaseLock();
  }
}

function joined(whole: Uint8Array<ArrayBuffer> | null, chunks: Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  if (whole !== null) return whole.slice(0, size);
  const all = new Uint8Array(size);
  let at = 0;
  // What was copied is let go at once, so that no body is there twice as a whole.
  for (let chunk = chunks.shift(); chunk !== undefined; chunk = chunks.shift()) {
    all.set(chunk, at);
    at += chunk.byteLength;
  }
  return all;
}

function tooLarge(maxBytes: number): Problem {
  return {
    code: "payload_too_large",
    detail: `The body has more than ${maxBytes} bytes, the most that is taken here.`,
    hint: "Send less.",
  };
}
