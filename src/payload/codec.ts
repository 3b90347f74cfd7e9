import type { PayloadDescription } from "../core/payload-ref.ts";
import type { Result } from "../core/result.ts";

/** A payload ready to be stored: a stream's size is known only afterwards. */
export type EncodedPayload =
  | (PayloadDescription & { readonly body: Uint8Array })
  | (Omit<PayloadDescription, "size"> & { readonly body: ReadableStream<Uint8Array>; readonly size: number | null });

/** CONTRACT (helper B fills in). */
export declare function encodePayload(value: unknown): Result<EncodedPayload>;
export declare function decodePayload(description: PayloadDescription, bytes: Uint8Array): unknown;
