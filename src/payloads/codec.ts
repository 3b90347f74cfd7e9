/**
 * Encodes values as bytes and back: a value comes back as the same kind with the same constructor,
 * or is refused.
 */
import { Buffer } from "node:buffer";
import type { PayloadDescription } from "../domain/payload.ts";
import { type Problem, type Result, ok, refuse } from "../domain/problem.ts";
import { formOf, makeForm, viewBytes } from "./byte-forms.ts";
import { parseJson } from "./cut-json.ts";
import { type JsonError, type JsonPiece, writeJson } from "./json-text.ts";
import { ParsedValue } from "./parsed-value.ts";
import { withSameTexts } from "./same-texts.ts";
import { decodeUtf8 } from "./utf8.ts";

/**
 * A payload ready for the store: its bytes are held in memory, or streamed. The size of a stream is
 * known only afterwards (`size` is the declared one).
 */
export type EncodedPayload = HeldPayload | StreamedPayload;

/** A payload with all bytes in memory. */
export type HeldPayload = PayloadDescription & {
  readonly body: Uint8Array;
  /** JSON in the form of `writeJson`; absent: perhaps another form. */
  readonly isWritten?: true;
  /**
   * The parsed value of JSON from a request, or with a long text; absent: a reader parses the body.
   */
  readonly parsed?: ParsedValue;
};
/** A payload read during its arrival. */
type StreamedPayload = Omit<PayloadDescription, "size"> & {
  readonly body: ReadableStream<Uint8Array>;
  readonly size: number | null;
};

export const JSON_TYPE = "application/json";
export const TEXT_TYPE = "text/plain; charset=utf-8";
export const OCTET_TYPE = "application/octet-stream";

/** Form of a text with lone surrogates, which UTF-8 cannot hold: the bytes are a JSON string. */
export const ESCAPED = "escaped";
/**
 * Form of a Blob without `type`; a Blob with a type has form `Blob` and keeps the type as content
 * type.
 */
const UNTYPED_BLOB = "Blob without type";

/** Made once: an object of the platform per payload is expensive. */
const ENCODER = new TextEncoder();

const HINT =
  "Payloads are JSON values, strings, bytes (ArrayBuffer, typed arrays, Blob) or a ReadableStream of bytes; turn other values into one of these.";

/**
 * Encodes any payload, or returns the Problem `payload_not_serializable` with each wrong place.
 * Undefined becomes JSON null. Bytes are not copied and streams not read; a Blob becomes a stream
 * of known size (of a File, only the Blob is kept).
 */
export function encodePayload(value: unknown): Result<EncodedPayload> {
  if (typeof value === "string") return ok(encodeText(value));
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return encodeBytes(value);
  if (value instanceof Blob) return ok(encodeBlob(value));
  if (value instanceof ReadableStream) return encodeStream(value);
  const json = writeJson(value);
  if (!json.ok) return refuse(notJson(json.errors));
  const body = encodePieces(json.pieces);
  const description = {
    kind: "json",
    contentType: JSON_TYPE,
    size: body.length,
    ...lengthOf(value),
  } as const;
  const same = json.pieces.some((piece) => typeof piece !== "string") ? withSameTexts(value) : null;
  return ok({
    ...description,
    body,
    isWritten: true,
    ...(same !== null && { parsed: new ParsedValue(same.value) }),
  });
}

/** Encodes texts of JSON as one array of bytes. A long text is not joined first. */
export function encodePieces(pieces: readonly JsonPiece[]): Uint8Array<ArrayBuffer> {
  let size = 0;
  for (const piece of pieces) for (const text of textsOf(piece)) size += Buffer.byteLength(text);
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces)
    for (const text of textsOf(piece)) at += ENCODER.encodeInto(text, bytes.subarray(at)).written;
  return bytes;
}

/** Encodes texts of JSON, a block of bytes for each. */
export function* encodedPieces(pieces: readonly JsonPiece[]): Generator<Uint8Array> {
  for (const piece of pieces) for (const text of textsOf(piece)) yield ENCODER.encode(text);
}

function textsOf(piece: JsonPiece): Iterable<string> {
  return typeof piece === "string" ? [piece] : piece.slices();
}

/** Number of items of a JSON array, for `each`. */
export function lengthOf(value: unknown): { readonly length?: number } {
  return Array.isArray(value) ? { length: value.length } : {};
}

/** Decodes bytes to the value, which may keep the bytes. A `stream` becomes a stream again. */
export function decodePayload(description: PayloadDescription, bytes: Uint8Array): unknown {
  switch (description.kind) {
    case "json":
      return parseJson(bytes);
    case "text":
      return description.form === ESCAPED ? JSON.parse(decodeUtf8(bytes)) : decodeUtf8(bytes);
    case "bytes":
      if (description.form === "Blob") return new Blob([bytes], { type: description.contentType });
      if (description.form === UNTYPED_BLOB) return new Blob([bytes]);
      return makeForm(description.form ?? "Uint8Array", bytes);
    case "stream":
      return new Blob([bytes]).stream();
  }
}

/** The value of a held payload: the parsed value if still available, or else a new one. */
export function valueOf(payload: HeldPayload): unknown {
  const taken = payload.parsed?.take() ?? null;
  return taken === null ? decodePayload(payload, payload.body) : taken.value;
}

function encodeText(text: string): EncodedPayload {
  if (!text.isWellFormed()) {
    const body = ENCODER.encode(JSON.stringify(text));
    return { kind: "text", form: ESCAPED, contentType: JSON_TYPE, size: body.length, body };
  }
  const body = ENCODER.encode(text);
  return { kind: "text", contentType: TEXT_TYPE, size: body.length, body };
}

function encodeBytes(value: ArrayBuffer | ArrayBufferView): Result<EncodedPayload> {
  const form = formOf(value);
  try {
    const body = viewBytes(value);
    return ok({ kind: "bytes", form, contentType: OCTET_TYPE, size: body.length, body });
  } catch {
    return refuse(
      unusable(
        `The ${form} has lost its bytes: its buffer was transferred away.`,
        "Pass it before it is transferred, or pass a copy.",
      ),
    );
  }
}

function encodeBlob(blob: Blob): EncodedPayload {
  const form = blob.type === "" ? UNTYPED_BLOB : "Blob";
  return {
    kind: "bytes",
    form,
    contentType: blob.type || OCTET_TYPE,
    size: blob.size,
    body: blob.stream(),
  };
}

function encodeStream(stream: ReadableStream<Uint8Array>): Result<EncodedPayload> {
  if (stream.locked) {
    return refuse(
      unusable(
        "The stream is being read already (it is locked).",
        "Pass a stream that nobody has read from, or one half of its tee().",
      ),
    );
  }
  return ok({ kind: "stream", contentType: OCTET_TYPE, size: null, body: stream });
}

function notJson(errors: readonly JsonError[]): Problem {
  const [first, ...others] = errors;
  const more =
    others.length === 0
      ? ""
      : `, and ${others.length} more place${others.length === 1 ? "" : "s"} like it`;
  return unusable(
    `The payload cannot be stored: ${first?.path} is ${first?.message}${more}.`,
    HINT,
    errors,
  );
}

function unusable(
  detail: string,
  hint: string,
  errors: readonly JsonError[] = [{ path: "$", message: detail }],
): Problem {
  return { code: "payload_not_serializable", detail, hint, errors };
}
