/**
 * Stores payloads: up to the inline limit in the run's state, larger ones as objects in R2 under
 * `runs/<run id>/`. Every attempt writes keys of its own, and the object is written before the
 * state that names the object: an unnamed object is harmless and is deleted with the run.
 *
 * Two kinds of failure are kept apart. `PayloadStoreError` comes from R2: the attempt is lost. Any
 * other error comes from the stream of the author or client, and is rethrown unchanged: the task
 * failed, or the request is refused.
 */
import type { RunId } from "../domain/ids.ts";
import {
  descriptionOf,
  type LeasePayload,
  type PayloadDescription,
  type NewPayload,
} from "../domain/payload.ts";
import { compact } from "./byte-forms.ts";
import { ByteSource } from "./byte-source.ts";
import { type EncodedPayload, decodePayload } from "./codec.ts";
import { fetchBytes, fetchStream } from "./payload-download.ts";
import { PART_BYTES, putBytes, uploadParts } from "./payload-upload.ts";
import { callR2 } from "./r2-calls.ts";
import { refuseLargeValue } from "./value-limit.ts";

/** Key prefix of all objects of a run. */
function runPrefix(runId: RunId): string {
  return `runs/${runId}/`;
}

/**
 * Key of a trigger's payload, or of a copy for the run, by number. The nonce separates two triggers
 * with one idempotency key.
 */
export function triggerPayloadKey(runId: RunId, nonce: string, number: number): string {
  return `${runPrefix(runId)}trigger-${nonce}/${number}`;
}

/**
 * Key of an attempt's payload: for all its children (`part` empty), or for the child named by
 * `part`.
 */
export function attemptPayloadKey(
  runId: RunId,
  ordinal: number,
  attempt: number,
  token: number,
  part: string,
): string {
  return `${runPrefix(runId)}${ordinal}/${attempt}-${token}${part === "" ? "" : `/${part}`}`;
}

/**
 * Stores a payload: inline up to `inlineLimitBytes` (never inline if 0), otherwise in R2 under
 * `key`. Of a stream at most 8 MiB are in memory. `beforePut` is awaited before a write to R2;
 * `onBlock` sees each block of a stream. Rejects with `PayloadStoreError` if R2 fails, and with the
 * stream's own error if the stream fails.
 */
export async function storePayload(
  bucket: R2Bucket,
  key: string,
  payload: EncodedPayload,
  inlineLimitBytes: number,
  beforePut: () => Promise<void> = async () => {},
  onBlock: (block: Uint8Array) => Promise<void> = async () => {},
): Promise<NewPayload> {
  const { contentType } = payload;
  const describe = (size: number): PayloadDescription => descriptionOf({ ...payload, size });
  const { body } = payload;
  if ("parsed" in payload) payload.parsed?.drop();
  const storeBytes = async (bytes: Uint8Array): Promise<NewPayload> => {
    const description = describe(bytes.length);
    if (inlineLimitBytes > 0 && bytes.length <= inlineLimitBytes)
      return { ...description, at: "inline", bytes: compact(bytes) };
    await beforePut();
    await putBytes(bucket, key, bytes, contentType);
    return { ...description, at: "r2", key };
  };
  if (body instanceof Uint8Array) return storeBytes(body);

  const source = new ByteSource(body);
  try {
    const first = await source.nextBlock(PART_BYTES);
    if (first.length < PART_BYTES) {
      await onBlock(first);
      return await storeBytes(first);
    }
    await beforePut();
    const size = await uploadParts(bucket, key, source, first, contentType, onBlock);
    return { ...describe(size), at: "r2", key };
  } catch (error) {
    source.cancel(error);
    throw error;
  }
}

/** Fetches bytes that the run object still holds. */
export type HeldReader = (seq: number, offset: number, size: number) => Promise<Uint8Array>;

/**
 * Opens the value that a task reads, new each time, so that changes by one reader stay invisible to
 * others. A stream is opened, not read. Rejects with `PayloadStoreError`, with
 * `PayloadMissingError` for a missing object, and with a `ProblemError` for a payload too large for
 * a value.
 */
export async function openPayload(
  bucket: R2Bucket,
  payload: LeasePayload,
  held: HeldReader,
): Promise<unknown> {
  if (payload.kind === "stream") return openPayloadStream(bucket, payload, held);
  refuseLargeValue("The payload", payload.size);
  return decodePayload(payload, await openPayloadBytes(bucket, payload, held));
}

/** Opens a payload as a stream of its bytes, whatever its kind. */
export async function openPayloadStream(
  bucket: R2Bucket,
  payload: LeasePayload,
  held: HeldReader,
): Promise<ReadableStream<Uint8Array>> {
  if (payload.at === "r2") return fetchStream(bucket, payload.key);
  return new Blob([await openPayloadBytes(bucket, payload, held)]).stream();
}

/** Reads a payload as bytes of the caller's own. */
export async function openPayloadBytes(
  bucket: R2Bucket,
  payload: LeasePayload,
  held: HeldReader,
): Promise<Uint8Array> {
  switch (payload.at) {
    case "inline":
      return new Uint8Array(payload.bytes);
    case "held":
      return held(payload.seq, payload.offset, payload.size);
    case "r2":
      return fetchBytes(bucket, payload.key);
  }
}

/**
 * Bounds of a deletion (epoch ms): payloads of triggers, and of attempts, stored before these
 * times.
 */
export interface StoredBefore {
  readonly triggers: number;
  readonly attempts: number;
}

const ALL: StoredBefore = {
  triggers: Number.POSITIVE_INFINITY,
  attempts: Number.POSITIVE_INFINITY,
};

/**
 * Deletes the payloads of a run, or the old ones; may be retried. Returns true if payloads remain.
 * Rejects with `PayloadStoreError`.
 */
export async function deleteRunPayloads(
  bucket: R2Bucket,
  runId: RunId,
  before = ALL,
  kept: () => readonly string[] = () => [],
): Promise<boolean> {
  const prefix = runPrefix(runId);
  const limitOf = (key: string): number =>
    /^\d/.test(key.slice(prefix.length)) ? before.attempts : before.triggers;
  let isLeft = false;
  let cursor: string | undefined;
  do {
    const page = await callR2(`list ${prefix}`, () =>
      bucket.list(cursor === undefined ? { prefix } : { prefix, cursor }),
    );
    const keptPrefixes = kept().map((nonce) => `${prefix}trigger-${nonce}/`);
    const isKept = (key: string): boolean => keptPrefixes.some((of) => key.startsWith(of));
    const keys = page.objects.flatMap(({ key, uploaded }) =>
      uploaded.getTime() < limitOf(key) && !isKept(key) ? [key] : [],
    );
    // A page has at most 1,000 keys, which is the limit of one delete.
    if (keys.length > 0) await callR2(`delete under ${prefix}`, () => bucket.delete(keys));
    isLeft ||= keys.length < page.objects.length;
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  return isLeft;
}
