/**
 * Encodes the body of an HTTP request as a payload. JSON is checked and kept as received; text and
 * bytes of more than `HEAD_BYTES` are streamed, never held. A fault found only during streaming
 * (too large, not UTF-8) ends the stream with a `ProblemError`, which `storePayload` rethrows
 * unchanged.
 */
import { isUtf8 } from "node:buffer";
import { ProblemError, type Problem, type Result, ok, refuse } from "../domain/problem.ts";
import { ByteSource } from "./byte-source.ts";
import { joined } from "./chunks.ts";
import { type EncodedPayload, JSON_TYPE, lengthOf, OCTET_TYPE, TEXT_TYPE } from "./codec.ts";
import { cutJson } from "./cut-json.ts";
import { findInexactNumbers } from "./json-fault.ts";
import { isJsonType, isMediaType } from "./media-type.ts";
import { ParsedValue } from "./parsed-value.ts";
import { invalidJson, parseSentJson } from "./sent-json.ts";
import { decodeUtf8 } from "./utf8.ts";

/** The body of a request, as a client sends it. */
export interface IncomingBody {
  /** The header; null if absent. */
  readonly contentType: string | null;
  /** The declared length; null if unknown. */
  readonly contentLength: number | null;
  readonly body: ReadableStream<Uint8Array> | Uint8Array | null;
}

/** Limit of JSON bodies, which are parsed in memory. Bytes. */
export const MAX_JSON_BODY_BYTES = 10 * 1024 * 1024;

/** Limit of held bodies, which can be sent to R2 again after a failure. Bytes. */
const HEAD_BYTES = 256 * 1024;
const MAX_CONTENT_TYPE_LENGTH = 255;
const JSON_HINT =
  "Send valid JSON in UTF-8, or another content type (text/plain, application/octet-stream) to pass the body as it is.";
const UTF8_BOM = [0xef, 0xbb, 0xbf] as const;

/**
 * Encodes a body by its type: JSON types as kind `json`, `text/plain` in UTF-8 as kind `text`, no
 * type without bytes as JSON null, and other types as `bytes` with their type. `maxBytes` bounds
 * every body, 10 MiB also bounds JSON. Refuses with `invalid_json`, `invalid_payload`,
 * `invalid_request` or `payload_too_large`; rejects if the client disconnects.
 */
export async function encodeRequestBody(
  incoming: IncomingBody,
  maxBytes: number,
): Promise<Result<EncodedPayload>> {
  try {
    return await encode(incoming, maxBytes);
  } catch (error) {
    // A fault found during the decoding of the body.
    if (error instanceof ProblemError) return refuse(error.problem);
    throw error;
  }
}

async function encode(incoming: IncomingBody, maxBytes: number): Promise<Result<EncodedPayload>> {
  const type = parseContentType(incoming.contentType ?? "");
  if (type.text.length > MAX_CONTENT_TYPE_LENGTH) return refuse(longContentType(type.text));
  if (type.text !== "" && !isMediaType(type.text)) return refuse(wrongContentType(type.text));
  const limit = type.isJson ? Math.min(maxBytes, MAX_JSON_BODY_BYTES) : maxBytes;
  if (incoming.contentLength !== null && incoming.contentLength > limit)
    return refuse(tooLarge(limit, type.isJson));

  const body = streamOf(incoming.body);
  if (type.isJson) {
    const source = new ByteSource(body);
    const bytes = await source.nextBlock(limit + 1, incoming.contentLength);
    if (bytes.length <= limit) return encodeJsonBody(bytes);
    const problem = tooLarge(limit, true);
    source.cancel(problem);
    return refuse(problem);
  }

  const reader = body.getReader();
  const head = await readHead(reader, Math.min(limit, HEAD_BYTES));
  if (!head.ended && head.size > limit) {
    await reader.cancel();
    return refuse(tooLarge(limit, false));
  }
  if (!head.ended) return ok(streamed(type, head, reader, incoming.contentLength, limit));

  const bytes = joined(head.chunks);
  if (type.isUtf8Text) {
    if (!isUtf8(bytes)) return refuse(notUtf8());
    return ok({ kind: "text", contentType: TEXT_TYPE, size: bytes.length, body: bytes });
  }
  if (type.text === "" && bytes.length === 0) {
    const nothing = new TextEncoder().encode("null");
    return ok({ kind: "json", contentType: JSON_TYPE, size: nothing.length, body: nothing });
  }
  return ok({
    kind: "bytes",
    form: "Uint8Array",
    contentType: type.text || OCTET_TYPE,
    size: bytes.length,
    body: bytes,
  });
}

interface ContentType {
  readonly text: string;
  readonly isJson: boolean;
  readonly isUtf8Text: boolean;
}

function parseContentType(header: string): ContentType {
  const text = header.trim();
  const [essence = "", ...parameters] = text.toLowerCase().split(";");
  const mime = essence.trim();
  const charset = parameters
    .map((parameter) => /^\s*charset\s*=\s*"?([^"\s]*)"?\s*$/.exec(parameter)?.[1])
    .find((name) => name !== undefined);
  return {
    text,
    isJson: isJsonType(text),
    isUtf8Text:
      mime === "text/plain" &&
      (charset === undefined || ["utf-8", "utf8", "us-ascii"].includes(charset)),
  };
}

function encodeJsonBody(received: Uint8Array): Result<EncodedPayload> {
  const bytes = UTF8_BOM.every((byte, index) => received[index] === byte)
    ? received.slice(UTF8_BOM.length)
    : received;
  if (!isUtf8(bytes))
    return refuse(invalidJson({ path: "$", message: "the bytes are not UTF-8" }, JSON_HINT));
  const cut = cutJson(bytes);
  const text = cut?.text ?? decodeUtf8(bytes);
  let parsed = parseSentJson(text, JSON_HINT);
  // The message of a fault may quote the JSON.
  if (!parsed.ok && cut !== null) parsed = parseSentJson(decodeUtf8(bytes), JSON_HINT);
  if (!parsed.ok) return parsed;
  const inexact = inexactNumbersOf(text);
  if (inexact !== null) return refuse(inexact);
  const value = cut === null ? parsed.value : cut.restore(parsed.value);
  const description = {
    kind: "json",
    contentType: JSON_TYPE,
    size: bytes.length,
    ...lengthOf(value),
  } as const;
  return ok({ ...description, body: bytes, parsed: new ParsedValue(value) });
}

type ByteReader = Pick<ReadableStreamDefaultReader<Uint8Array>, "read" | "cancel">;

function streamOf(body: IncomingBody["body"]): ReadableStream<Uint8Array> {
  return body instanceof ReadableStream ? body : new Blob(body === null ? [] : [body]).stream();
}

interface Head {
  readonly chunks: Uint8Array[];
  readonly size: number;
  /** False: more follows, and `size` is over the limit of the head. */
  readonly ended: boolean;
}

async function readHead(reader: ByteReader, limit: number): Promise<Head> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  while (size <= limit) {
    const { done, value } = await reader.read();
    if (done) return { chunks, size, ended: true };
    chunks.push(value);
    size += value.length;
  }
  return { chunks, size, ended: false };
}

function streamed(
  type: ContentType,
  head: Head,
  reader: ByteReader,
  size: number | null,
  limit: number,
): EncodedPayload {
  const waiting = head.chunks.values();
  const utf8 = type.isUtf8Text ? new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }) : null;
  let seen = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const held = waiting.next().value;
        const chunk = held ?? (await reader.read()).value;
        seen += chunk?.length ?? 0;
        const problem =
          seen > limit
            ? tooLarge(limit, false)
            : utf8 !== null && !goesOnAsUtf8(utf8, chunk)
              ? notUtf8()
              : null;
        if (problem !== null) {
          await reader.cancel();
          throw new ProblemError(problem);
        }
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  if (type.isUtf8Text) return { kind: "text", contentType: TEXT_TYPE, size, body };
  return { kind: "bytes", form: "Uint8Array", contentType: type.text || OCTET_TYPE, size, body };
}

/**
 * Checks that the bytes continue valid UTF-8. Undefined is the end, where no character may be
 * incomplete.
 */
function goesOnAsUtf8(decoder: TextDecoder, chunk: Uint8Array | undefined): boolean {
  try {
    decoder.decode(chunk, { stream: chunk !== undefined });
    return true;
  } catch {
    return false;
  }
}

/** The refusal of a JSON text with numbers that its parser would change; null without any. */
export function inexactNumbersOf(text: string): Problem | null {
  const errors = findInexactNumbers(text);
  const [first, ...others] = errors;
  if (first === undefined) return null;
  const more = others.length === 0 ? "" : `, and ${others.length} more`;
  return {
    code: "invalid_payload",
    detail: `The body has a number that would come out as another one: ${first.path}: ${first.message}${more}.`,
    hint: "Send such a number as a string, or with a fraction or an exponent if it need not be exact.",
    errors,
  };
}

function tooLarge(limit: number, isJson: boolean): Problem {
  return {
    code: "payload_too_large",
    detail: `The body has more than ${limit} bytes, the most that is taken ${isJson ? "as JSON " : ""}here.`,
    hint: "Send less, or upload the data to R2 and send its bucket and key instead.",
  };
}

function notUtf8(): Problem {
  return {
    code: "invalid_payload",
    detail: "The body is declared as text in UTF-8, but its bytes are not UTF-8.",
    hint: "Send it in UTF-8, name its charset in the content type, or send it as application/octet-stream.",
  };
}

function longContentType(text: string): Problem {
  return {
    code: "invalid_request",
    detail: `The content type has ${text.length} characters; at most ${MAX_CONTENT_TYPE_LENGTH} are taken.`,
    hint: "Send a shorter Content-Type header.",
  };
}

function wrongContentType(text: string): Problem {
  return {
    code: "invalid_request",
    detail: `The content type ${JSON.stringify(text)} is no media type.`,
    hint: "Send one such as application/json, or text/plain; charset=utf-8.",
  };
}

/** Returns the same bytes from the start; null for an empty body. */
export async function unlessEmpty(
  body: ReadableStream<Uint8Array>,
): Promise<ReadableStream<Uint8Array> | null> {
  const reader = body.getReader();
  let read = await reader.read();
  while (!read.done && read.value.length === 0) read = await reader.read();
  if (read.done) return null;
  let first: Uint8Array | null = read.value;
  return new ReadableStream({
    async pull(controller) {
      const next = first === null ? await reader.read() : { done: false, value: first };
      first = null;
      if (next.value === undefined) controller.close();
      else controller.enqueue(next.value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
