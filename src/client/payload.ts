/** Payloads in requests and answers. A payload is received as the kind that was sent. */
import { writeJson } from "../payloads/json-text.ts";
import { PeachConnectionError, PeachError } from "./errors.ts";

/** The body of a request, with its content type. */
export interface PayloadBody {
  readonly body: NonNullable<RequestInit["body"]>;
  readonly contentType: string;
}

const JSON_TYPE = "application/json";
const OCTET_TYPE = "application/octet-stream";

/**
 * Encodes a payload: a JSON value, a string, bytes (ArrayBuffer, typed array, Blob) or a
 * ReadableStream of bytes. Undefined is JSON null. Bytes may have a `contentType`. Throws
 * `payload_not_serializable` with the places that JSON cannot represent.
 */
export function payloadBody(payload: unknown, contentType?: string): PayloadBody {
  // A string with lone surrogates has no UTF-8 form; JSON escapes them.
  if (typeof payload === "string" && payload.isWellFormed())
    return { body: payload, contentType: contentType ?? "text/plain; charset=utf-8" };
  if (payload instanceof Blob)
    return { body: payload, contentType: contentType ?? (payload.type || OCTET_TYPE) };
  if (payload instanceof ReadableStream)
    return { body: payload, contentType: contentType ?? OCTET_TYPE };
  if (payload instanceof ArrayBuffer)
    return { body: payload, contentType: contentType ?? OCTET_TYPE };
  if (ArrayBuffer.isView(payload)) {
    // `fetch` refuses a view of shared memory, so the bytes are copied.
    const bytes = new Uint8Array(payload.byteLength);
    bytes.set(new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength));
    return { body: bytes, contentType: contentType ?? OCTET_TYPE };
  }
  const json = writeJson(payload);
  if (json.ok) return { body: json.pieces.join(""), contentType: contentType ?? JSON_TYPE };
  const [first] = json.errors;
  throw new PeachError({
    code: "payload_not_serializable",
    detail: `The payload cannot be sent: ${first?.path ?? "$"} is ${first?.message ?? "no JSON"}.`,
    hint: "Payloads are JSON values, strings, bytes (ArrayBuffer, typed arrays, Blob) or a ReadableStream of bytes.",
    errors: json.errors,
  });
}

/** A received payload. It can be read once, in one of these ways. */
export interface ReceivedPayload {
  readonly contentType: string;
  /** The size in bytes; null if unknown. */
  readonly size: number | null;
  /** Reads the payload as the kind that was sent: a JSON value, a string, or a Uint8Array. */
  value(): Promise<unknown>;
  text(): Promise<string>;
  bytes(): Promise<Uint8Array>;
  stream(): ReadableStream<Uint8Array>;
}

/** Reads the payload of an answer, unless the signal is aborted. */
export function receivedPayload(
  answer: Response,
  signal: AbortSignal | undefined,
): ReceivedPayload {
  const contentType = answer.headers.get("Content-Type") ?? OCTET_TYPE;
  const length = answer.headers.get("Content-Length");
  const bytes = async (): Promise<Uint8Array> => {
    // A second read is an error of the caller.
    if (answer.bodyUsed) return new Uint8Array(await answer.arrayBuffer());
    const buffer = await answer.arrayBuffer().catch((error: unknown) => {
      signal?.throwIfAborted();
      throw new PeachConnectionError("The payload", error);
    });
    return new Uint8Array(buffer);
  };
  return {
    contentType,
    size: length === null ? null : Number(length),
    async value() {
      const [essence = "", charset = ""] = contentType.toLowerCase().split(/\s*;\s*(?:charset=)?/);
      if (essence === JSON_TYPE || essence.endsWith("+json"))
        return JSON.parse(decode(await bytes()));
      if (essence === "text/plain" && ["", "utf-8"].includes(charset)) return decode(await bytes());
      return bytes();
    },
    text: async () => decode(await bytes()),
    bytes,
    stream: () => answer.body ?? new Blob([]).stream(),
  };
}

/** Decodes UTF-8. A byte order mark is kept as part of the text. */
function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(bytes);
}
