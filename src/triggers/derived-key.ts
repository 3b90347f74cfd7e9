/**
 * Keys that Peach derives from a payload, for triggers of a task without an idempotency key.
 *
 * The run's id follows from the key, the key from the payload's digest, and a payload in R2 is
 * stored under the run's id. So the digest comes first. Bytes, and a stream that ends within 8 MiB,
 * are digested in memory. A longer stream can be read only once: it is digested while it is
 * uploaded under a key of the triggering attempt (the spool), and copied from the spool once the
 * run has its id. Memory never holds the whole stream, but R2 receives it twice; an idempotency key
 * avoids the second upload. The spool is deleted afterwards, at the latest with the triggering
 * run's objects in R2.
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
import { log } from "../platform/log.ts";

/** An idempotency key to be derived from the payload. */
export interface DerivedKey {
  /** Derives the key from the payload's digest. */
  readonly derive: (digest: PayloadDigest) => TriggerKey;
  /** The key of the spool in R2. `beforePut` is awaited before the upload. */
  readonly spool: { readonly key: string; readonly beforePut: () => Promise<void> };
}

/** A payload and the key derived from it. */
export interface KeyedPayload {
  readonly key: TriggerKey;
  /** Opens the payload from its start. */
  readonly open: () => Promise<EncodedPayload>;
  /**
   * Deletes the spool after the last use; null without a spool. Never rejects: a remaining spool is
   * deleted with the triggering run.
   */
  readonly discard: (() => Promise<void>) | null;
}

/**
 * Derives the key. Rejects with `PayloadStoreError` if R2 fails, and with the stream's own error if
 * the stream fails.
 */
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
          log("warn", "a spool was not deleted", { key: spool.key, error });
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
