/** A bucket of the kit answers and refuses as R2 does: the texts and numbers are those of the platform's own runtime. */
import { expect, it } from "vitest";
import { testPipeline } from "peach/testing";

const MIB = 1_024 * 1_024;

/** A bucket with the object `k`, ten digits. */
async function bucket(): Promise<R2Bucket> {
  const { env } = await testPipeline({ conf: "tasks:\n  a: {method: a}\n", pipelines: { a: () => null } });
  const own = env["UPLOADS"];
  await own.put("k", "0123456789", {
    httpMetadata: new Headers({ "content-type": "text/plain", "x-other": "x" }),
    customMetadata: { by: "anna" },
  });
  return own;
}
/** Of the ten digits, by `md5sum`. */
const MD5 = "781e5e245d69b566979b86e28d23f2c7";
const PAST = new Date(0);
const FUTURE = new Date(4e12);

it.each([
  [
    "a list of 1,001",
    (own) => own.list({ limit: 1_001 }),
    "list: MaxKeys params must be positive integer <= 1000. (10022)",
  ],
  ["a list of none", (own) => own.list({ limit: 0 }), "(10022)"],
  [
    "a range behind the end",
    (own) => own.get("k", { range: { offset: 10 } }),
    "get: The requested range is not satisfiable (10039)",
  ],
  ["an empty range", (own) => own.get("k", { range: { offset: 0, length: 0 } }), "(10039)"],
  [
    "an etag in quotes",
    (own) => own.get("k", { onlyIf: { etagMatches: '"x"' } }),
    'should not be wrapped in quotes ("x")',
  ],
  ["a long key", (own) => own.get("k".repeat(1_025)), "get: The specified object name is not valid. (10020)"],
  [
    "a body that is read twice",
    async (own) => {
      const object = await own.get("k");
      await object?.text();
      expect(object?.bodyUsed).toBe(true);
      await object?.json();
    },
    "Body has already been used",
  ],
  [
    "bytes of another checksum",
    (own) => own.put("k", "other", { md5: MD5 }),
    `put: The MD5 checksum you specified did not match what we received.\nYou provided a MD5 checksum with value: ${MD5}\n` +
      "Actual MD5 was: 795f3202b17cb6bc3d4b771d8c6c9eaf (10037)",
  ],
  [
    "two checksums",
    (own) => own.put("k", "", { md5: MD5, sha1: "0".repeat(40) }),
    "specify multiple hashing algorithms",
  ],
  ["a short checksum", (own) => own.put("k", "", { sha256: "00" }), "SHA-256 is 64 hex characters, not 2"],
  ["a checksum of few bytes", (own) => own.put("k", "", { sha512: new Uint8Array(3) }), "SHA-512 is 64 bytes, not 3"],
  ["a checksum in another alphabet", (own) => own.put("k", "", { md5: "x".repeat(32) }), "valid hex string"],
  [
    "part 0",
    async (own) => (await own.createMultipartUpload("m")).uploadPart(0, "x"),
    "Part number must be between 1 and 10000",
  ],
  [
    "part 10,001",
    async (own) => (await own.createMultipartUpload("m")).uploadPart(10_001, "x"),
    "Actual value was: 10001",
  ],
  ["small parts", (own) => uploaded(own, [1, 1]), "smaller than the minimum allowed object size. (10011)"],
  [
    "uneven parts",
    (own) => uploaded(own, [5 * MIB, 6 * MIB, 1]),
    "There was a problem with the multipart upload. (10048)",
  ],
  [
    "a part with another etag",
    async (own) => {
      const upload = await own.createMultipartUpload("m");
      await upload.uploadPart(1, "x");
      await upload.complete([{ partNumber: 1, etag: "other" }]);
    },
    "One or more of the specified parts could not be found. (10025)",
  ],
  [
    "a part after the end",
    async (own) => {
      const upload = await own.createMultipartUpload("m");
      await upload.abort();
      await upload.abort();
      await upload.uploadPart(1, "x");
    },
    "uploadPart: The specified multipart upload does not exist. (10024)",
  ],
  ["an upload that nobody began", (own) => own.resumeMultipartUpload("m", "none").uploadPart(1, "x"), "(10024)"],
] satisfies [string, (own: R2Bucket) => Promise<unknown>, string][])(
  "a bucket of the kit refuses %s",
  async (_, call, message) => {
    await expect(call(await bucket())).rejects.toThrow(message);
  },
);

/** Uploads parts of these sizes, and completes the upload. */
async function uploaded(own: R2Bucket, sizes: readonly number[]): Promise<R2Object> {
  const begun = await own.createMultipartUpload("m");
  const upload = own.resumeMultipartUpload("m", begun.uploadId);
  const parts = [];
  for (const [index, size] of sizes.entries()) parts.push(await upload.uploadPart(index + 1, new Uint8Array(size)));
  return upload.complete(parts.toReversed());
}

it("a bucket of the kit keeps bytes that have the given checksum, in each form, and leaves the old object on another", async () => {
  const own = await bucket();
  for (const md5 of [MD5, MD5.toUpperCase(), Uint8Array.fromHex(MD5), Uint8Array.fromHex(MD5).buffer])
    await own.put("new", "0123456789", { md5 });
  const stored = await own.head("new");
  expect(new Uint8Array(stored?.checksums.md5 ?? new ArrayBuffer())).toEqual(Uint8Array.fromHex(MD5));
  await expect(own.put("new", "012", { md5: MD5 })).rejects.toThrow("(10037)");
  expect(await (await own.get("new"))?.text()).toBe("0123456789");
});

it("a bucket of the kit joins parts in the order of their numbers, also of an upload that is resumed", async () => {
  expect(await uploaded(await bucket(), [5 * MIB, 5 * MIB, 7])).toHaveProperty("size", 10 * MIB + 7);
});

it("a bucket of the kit stores under the conditions of R2", async () => {
  const own = await bucket();
  const isStored = async (key: string, onlyIf: R2Conditional | Headers) =>
    (await own.put(key, "x", { onlyIf })) !== null;
  expect(await isStored("k", { etagDoesNotMatch: "*" })).toBe(false);
  expect(await isStored("k", new Headers({ "If-None-Match": "*" }))).toBe(false);
  expect(await isStored("k", { uploadedBefore: PAST })).toBe(false);
  expect(await isStored("k", { uploadedAfter: FUTURE })).toBe(false);
  expect(await isStored("absent", { etagMatches: "*" })).toBe(false);
  expect(await isStored("absent", { uploadedAfter: PAST })).toBe(false);
  expect(await isStored("new", { etagDoesNotMatch: "*" })).toBe(true);
  expect(await isStored("k", { uploadedAfter: PAST, uploadedBefore: FUTURE })).toBe(true);
});

it("a bucket of the kit returns the range that is asked for, and says which", async () => {
  const own = await bucket();
  const read = async (range?: R2Range | Headers) => {
    const object = await own.get("k", range === undefined ? {} : { range });
    return [await object?.text(), object?.range];
  };
  expect(await read()).toEqual(["0123456789", { offset: 0, length: 10 }]);
  expect(await read({ offset: 5, length: 100 })).toEqual(["56789", { offset: 5, length: 5 }]);
  expect(await read({ suffix: 300 })).toEqual(["0123456789", { offset: 0, length: 10 }]);
  expect(await read(new Headers({ range: "bytes=1-3" }))).toEqual(["123", { offset: 1, length: 3 }]);
  expect(await read(new Headers({ range: "bytes=-3" }))).toEqual(["789", { offset: 7, length: 3 }]);
});

it("a bucket of the kit lists metadata only if asked for", async () => {
  const own = await bucket();
  const listed = async (include: R2ListOptions["include"]) => {
    const [object] = (await own.list(include === undefined ? {} : { include })).objects;
    return [object?.httpMetadata, object?.customMetadata];
  };
  expect(await listed(undefined)).toEqual([{}, {}]);
  expect(await listed(["httpMetadata"])).toEqual([{ contentType: "text/plain" }, {}]);
  expect(await listed(["customMetadata"])).toEqual([{}, { by: "anna" }]);
});
