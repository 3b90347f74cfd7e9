/**
 * Keys that Peach derives from a payload: of triggers that a task makes without a key of its own.
 *
 * The run's id follows from the key, the key from the payload's digest, and a payload in R2 lies under the run's id. So the digest
 * comes first: of bytes, and of a stream that ends within 8 MiB, from memory. A longer stream can be read only once: it is digested
 * while it is put under a key of the attempt that triggers (the spool), and read from there once the run has its name. It is never
 * held as a whole, and goes to R2 twice; a key of the author's own saves that. The spool is deleted afterwards, or at the latest with
 * what the triggering run has in R2.
 */
import type { PayloadDigest, TriggerKey } from "../domain/trigger-key.ts";
import { compact } from "../payloads/byte-forms.ts";
import { ByteSource } from "../payloads/byte-source.ts";
import type { EncodedPayload } from "../payloads/codec.ts";
import { digestOfHeld, PassingDigest } from "../payloads/payload-digest.ts";
import { fetchStream } from "../payloads/payload-download.ts";
import { R2_LIMIT_MS } from "../payloads/r2-calls.ts";
import { within } from "../platform/calls.ts";
import { PART_BYTES, uploadParts } from "../payloads/payload-upload.ts";

export interface DerivedKey {
  /** The key, once the digest of the payload is known. */
  readonly derive: (digest: PayloadDigest) => TriggerKey;
  /** Where a long stream is put until then. `beforePut` is awaited before anything is. */
  readonly spool: { readonly key: string; readonly beforePut: () => Promise<void> };
}

/** A payload with the key that was derived from it. */
export interface KeyedPayload {
  readonly key: TriggerKey;
  /** The payload, from its start each time. */
  readonly open: () => Promise<EncodedPayload>;
  /** Deletes the spool, once nobody opens it any more; null: there is none. Never rejects: what stays goes with the triggering run. */
  readonly discard: (() => Promise<void>) | null;
}

/** Derives the key. Rejects with `PayloadStoreError` if R2 fails, and with the stream's own error if that does. */
export async function keyedByContent(
  bucket: R2Bucket,
  payload: EncodedPayload,
  { derive, spool }: DerivedKey,
): Promise<KeyedPayload> {
  if (payload.body instanceof Uint8Array)
    return held({ ...payload, body: payload.body, size: payload.body.length });
  const { body, size: _, ...description } = payload;
  const source = new ByteSource(body);
  try {
    const first = await source.nextBlock(PART_BYTES);
    if (first.length < PART_BYTES)
      return await held({ ...description, size: first.length, body: compact(first) });
    const digest = new PassingDigest(description);
    await spool.beforePut();
    const size = await uploadParts(bucket, spool.key, source, first, payload.contentType, (block) =>
      digest.take(block),
    );
    return {
      key: derive(await digest.end()),
      open: async () => ({ ...description, size, body: await fetchStream(bucket, spool.key) }),
      discard: async () => {
        await within(R2_LIMIT_MS, "R2", bucket.delete(spool.key)).catch((error: unknown) => {
          console.warn(
            JSON.stringify({
              message: "a spool was not deleted",
              key: spool.key,
              error: String(error),
            }),
          );
        });
      },
    };
  } catch (error) {
    source.cancel(error);
    throw error;
  }

  async function held(known: Parameters<typeof digestOfHeld>[0]): Promise<KeyedPayload> {
    const key = derive(await digestOfHeld(known));
    return { key, open: () => Promise.resolve(known), discard: null };
  }
}
