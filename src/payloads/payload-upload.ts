/**
 * Uploads streams of unknown length to R2, which needs a length before a put. A stream is therefore
 * uploaded in equal parts, each held in memory for a retry: one part of memory, however long the
 * stream.
 */
import { type Problem, ProblemError } from "../domain/problem.ts";
import type { ByteSource } from "./byte-source.ts";
import { within } from "../platform/calls.ts";
import { callR2 } from "./r2-calls.ts";

/** Size of a part. R2 requires equal parts of at least 5 MiB, and at most 10,000 of them. Bytes. */
export const PART_BYTES = 8 * 1024 * 1024;
const MAX_PARTS = 10_000;

/** Time limit of an abort, since the failure was slow enough already. Milliseconds. */
const ABORT_LIMIT_MS = 5_000;

/** Stores held bytes. */
export async function putBytes(
  bucket: R2Bucket,
  key: string,
  bytes: Uint8Array,
  contentType: string,
): Promise<void> {
  await callR2(`store the payload ${key}`, () =>
    bucket.put(key, bytes, { httpMetadata: { contentType } }),
  );
}

/**
 * Uploads `first` (a whole part) and the rest of the source; returns the size in bytes. `onBlock`
 * sees each part before its upload. Rethrows an error of the source; a failure of R2 is a
 * `PayloadStoreError`. No object appears after a failure.
 */
export async function uploadParts(
  bucket: R2Bucket,
  key: string,
  source: ByteSource,
  first: Uint8Array,
  contentType: string,
  onBlock: (block: Uint8Array) => Promise<void> = async () => {},
): Promise<number> {
  const upload = await callR2(`begin the payload ${key}`, () =>
    bucket.createMultipartUpload(key, { httpMetadata: { contentType } }),
  );
  try {
    const parts: R2UploadedPart[] = [];
    let size = 0;
    for (let block = first; block.length > 0; block = await source.nextBlock(PART_BYTES)) {
      if (parts.length === MAX_PARTS) throw new ProblemError(tooLong());
      await onBlock(block);
      const number = parts.length + 1;
      parts.push(
        await callR2(`store part ${number} of the payload ${key}`, () =>
          upload.uploadPart(number, block),
        ),
      );
      size += block.length;
      // The local runtime has R2 in the same process, and would serve no other call until the
      // stream has ended.
      await scheduler.wait(1);
    }
    await complete(bucket, upload, parts, size);
    return size;
  } catch (error) {
    // R2 drops an unfinished upload after seven days.
    await within(ABORT_LIMIT_MS, "R2", upload.abort()).catch(() => undefined);
    throw error;
  }
}

function tooLong(): Problem {
  return {
    code: "payload_too_large",
    detail: `The stream has more than ${MAX_PARTS * PART_BYTES} bytes, the most that a stream payload may have.`,
    hint: "Put the data into a bucket of your own, in larger parts, and pass its key.",
  };
}

/**
 * Completes an upload. After a lost connection the upload may be complete already, and cannot be
 * completed again.
 */
async function complete(
  bucket: R2Bucket,
  upload: R2MultipartUpload,
  parts: R2UploadedPart[],
  size: number,
): Promise<void> {
  await callR2(`complete the payload ${upload.key}`, async () => {
    try {
      await upload.complete(parts);
    } catch (error) {
      const stored = await bucket.head(upload.key);
      if (stored?.size !== size) throw error;
    }
  });
}
