import type { RunId } from "../core/ids.ts";
import type { PayloadDelivery, PayloadParcel } from "../core/payload-ref.ts";
import type { EncodedPayload } from "./codec.ts";

/** CONTRACT (helper B fills in). Where in R2 the payloads of a run lie: everything under `runs/<run id>/`. */
export declare function triggerPayloadKey(runId: RunId, nonce: string): string;
export declare function attemptPayloadKey(runId: RunId, ordinal: number, attempt: number, token: number, part: string): string;

/** Keeps a payload of up to `inlineLimitBytes` in the parcel, else streams it to R2 under `key`. Rejects if R2 fails. */
export declare function parcelPayload(bucket: R2Bucket, key: string, payload: EncodedPayload, inlineLimitBytes: number): Promise<PayloadParcel>;

/** Fetches bytes that the run object still holds. */
export type HeldReader = (seq: number, offset: number, size: number) => Promise<Uint8Array>;

/** The value a task reads. A stream is opened, not read. */
export declare function openPayload(bucket: R2Bucket, payload: PayloadDelivery, held: HeldReader): Promise<unknown>;
/** The same as a stream of its bytes, whatever its kind. */
export declare function openPayloadStream(bucket: R2Bucket, payload: PayloadDelivery, held: HeldReader): Promise<ReadableStream<Uint8Array>>;
/** Deletes everything of a run; safe to call again. */
export declare function deleteRunPayloads(bucket: R2Bucket, runId: RunId): Promise<void>;
