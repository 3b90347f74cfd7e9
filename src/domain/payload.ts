/**
 * Payloads without their bytes. The run state holds references only; the bytes lie beside their
 * journal entry or in R2 and never pass through the machine.
 */
export const PAYLOAD_KINDS = ["json", "text", "bytes", "stream"] as const;

/**
 * Kind of a payload.
 * - `json`: a JSON value, as UTF-8 JSON.
 * - `text`: a string, as UTF-8.
 * - `bytes`: an `ArrayBuffer`, a typed array or a `Blob`; `form` restores the original type.
 * - `stream`: a `ReadableStream` of bytes.
 */
export type PayloadKind = (typeof PAYLOAD_KINDS)[number];

export interface PayloadDescription {
  readonly kind: PayloadKind;
  /** Bytes. */
  readonly size: number;
  readonly contentType: string;
  /** Constructor name of a `bytes` payload, such as `Uint8Array`, `ArrayBuffer`, `Blob`. */
  readonly form?: string;
  /** Number of items of a JSON array. */
  readonly length?: number;
}

/** Extracts the description without the location of the bytes. */
export function descriptionOf({
  kind,
  size,
  contentType,
  form,
  length,
}: PayloadDescription): PayloadDescription {
  return {
    kind,
    size,
    contentType,
    ...(form !== undefined && { form }),
    ...(length !== undefined && { length }),
  };
}

/**
 * Location of a stored payload: in the run object (`seq` is the journal entry, `offset` the place
 * in its data), or in R2.
 */
export type PayloadRef =
  | (PayloadDescription & { readonly at: "run"; readonly seq: number; readonly offset: number })
  | (PayloadDescription & { readonly at: "r2"; readonly key: string });

/**
 * Payload on the way to the run object. Small payloads carry their bytes; large payloads are in R2
 * already.
 */
export type NewPayload =
  | (PayloadDescription & { readonly at: "inline"; readonly bytes: Uint8Array })
  | (PayloadDescription & { readonly at: "r2"; readonly key: string });

/**
 * Payload on the way to a task. `held` payloads exceed the size of the answer and are fetched from
 * the run object separately.
 */
export type LeasePayload =
  | NewPayload
  | (PayloadDescription & { readonly at: "held"; readonly seq: number; readonly offset: number });
