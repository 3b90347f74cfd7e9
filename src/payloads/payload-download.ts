/**
 * Reads payload objects from R2. An object never changes (its key belongs to one attempt), so that
 * an interrupted read continues at its offset.
 */
import { within } from "../platform/calls.ts";
import { callR2, PayloadMissingError, PayloadStoreError, R2_LIMIT_MS } from "./r2-calls.ts";

/**
 * Time without data after which a read is abandoned and resumed; shorter than the time limit of
 * `callR2`.
 */
const STALLED_MS = R2_LIMIT_MS - 5_000;

/** Reads the whole object. Rejects with `PayloadMissingError` or `PayloadStoreError`. */
export async function fetchBytes(bucket: R2Bucket, key: string): Promise<Uint8Array> {
  const buffer = await callR2(`read the payload ${key}`, async () =>
    (await bucket.get(key))?.arrayBuffer(),
  );
  if (buffer === undefined) throw new PayloadMissingError(key);
  return new Uint8Array(buffer);
}

/** Reads this many bytes of the object from `offset` on. Rejects like `fetchBytes`. */
export async function fetchRange(
  bucket: R2Bucket,
  key: string,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const range = { offset, length };
  const buffer = await callR2(`read a part of the payload ${key}`, async () =>
    (await bucket.get(key, { range }))?.arrayBuffer(),
  );
  if (buffer === undefined) throw new PayloadMissingError(key);
  return new Uint8Array(buffer);
}

/**
 * Opens the object as a stream of known length, which R2 and request bodies accept as is. Rejects
 * like `fetchBytes`. A failed read of the stream resumes at its offset, a few times per place.
 */
export async function fetchStream(
  bucket: R2Bucket,
  key: string,
): Promise<ReadableStream<Uint8Array>> {
  const object = await callR2(`read the payload ${key}`, () => bucket.get(key));
  if (object === null) throw new PayloadMissingError(key);
  const { readable, writable } = new FixedLengthStream(object.size);
  const source = resumable(bucket, object);
  // The reader learns of a failure from the readable end.
  source.pipeTo(writable).catch(() => undefined);
  return readable;
}

function resumable(bucket: R2Bucket, object: R2ObjectBody): ReadableStream<Uint8Array> {
  const { key, size } = object;
  let reader: ReadableStreamDefaultReader<Uint8Array> | null = object.body.getReader();
  let offset = 0;
  const readOn = async (): Promise<Uint8Array | undefined> => {
    try {
      reader ??= (await bucket.get(key, { range: { offset } }))?.body.getReader() ?? null;
      if (reader === null) throw new PayloadMissingError(key);
      return (await within(STALLED_MS, `the payload ${key}`, reader.read())).value;
    } catch (error) {
      // Late data of an abandoned read must not count as data of this offset.
      reader?.cancel(error).catch(() => undefined);
      reader = null;
      throw error;
    }
  };
  return new ReadableStream(
    {
      async pull(controller) {
        if (offset === size) {
          controller.close();
          return;
        }
        const chunk = await callR2(`go on reading the payload ${key} at byte ${offset}`, readOn);
        if (chunk === undefined)
          throw new PayloadStoreError(`R2 ended the payload ${key} at byte ${offset} of ${size}`);
        offset += chunk.length;
        controller.enqueue(chunk);
      },
      cancel: (reason) => reader?.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
