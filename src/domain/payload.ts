/**
 * What a payload is, apart from its bytes. The run's state holds references only: the bytes lie beside the journal entry
 * that made them, or in R2, and never pass through the machine.
 */
export const PAYLOAD_KINDS = ["json", "text", "bytes", "stream"] as const;

/**
 * - `json`: a JSON value, as UTF-8 JSON.
 * - `text`: a string, as UTF-8.
 * - `bytes`: an `ArrayBuffer`, a typed array or a `Blob`; `form` says which, so that it comes out as it went in.
 * - `stream`: a `ReadableStream` of bytes.
 */
export type PayloadKind = (typeof PAYLOAD_KINDS)[number];

export interface PayloadDescription {
  readonly kind: PayloadKind;
  /** Bytes. */
  readonly size: number;
  readonly contentType: string;
  /** Of `bytes`: the constructor's name, e.g. `Uint8Array`, `ArrayBuffer`, `Blob`. */
  readonly form?: string;
  /** Of a JSON array: how many items it has. */
  readonly length?: number;
}

/** Only what the payload is, of something that also says where it lies. */
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

/** Where the bytes lie: in the run object (`seq` is the journal entry, `offset` the place in its data), or in R2. */
export type PayloadRef =
  | (PayloadDescription & { readonly at: "run"; readonly seq: number; readonly offset: number })
  | (PayloadDescription & { readonly at: "r2"; readonly key: string });

/** A payload on its way to the run object: small ones carry their bytes, large ones are in R2 already. */
export type PayloadParcel =
  | (PayloadDescription & { readonly at: "inline"; readonly bytes: Uint8Array })
  | (PayloadDescription & { readonly at: "r2"; readonly key: string });

/** A payload on its way to a task: `held` ones were too large for the answer and are fetched from the run object one by one. */
export type PayloadDelivery =
  | PayloadParcel
  | (PayloadDescription & { readonly at: "held"; readonly seq: number; readonly offset: number });
