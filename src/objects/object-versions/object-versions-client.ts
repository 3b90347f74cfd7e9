/**
 * The client of the objects that know the versions of a bucket's objects. Every method may be
 * retried.
 */
import { callWithRetries } from "../../platform/calls.ts";
import { sha256 } from "../../platform/sha256.ts";
import type {
  DigestedVersion,
  NotifiedVersion,
  SeenVersion,
  VersionIdentity,
  ObjectVersionsRpc,
} from "./object-versions-rpc.ts";

/**
 * Number of objects per bucket: an object takes some hundred writes a second, a queue of
 * notifications brings 5,000.
 */
const SHARES = 16;
/** Returns the identity of the version in a notification. Rejects when all tries fail. */
export async function identifyNotified(
  env: Env,
  bucket: string,
  version: NotifiedVersion,
  keepMs: number,
): Promise<VersionIdentity> {
  const digested = await digest(version);
  return callVersions(env, bucket, shareOf(version.key), (versions) =>
    versions.notified(digested, keepMs),
  );
}

/** Returns the identities of the versions in a listing, in order. */
export async function identifyListed(
  env: Env,
  bucket: string,
  listed: readonly SeenVersion[],
  keepMs: number,
): Promise<readonly VersionIdentity[]> {
  return byShare(listed, (share, part) =>
    callVersions(env, bucket, share, (versions) => versions.listed(part, keepMs)),
  );
}

/**
 * Returns the identities of known versions in a listing, and null for unknown ones; nothing is
 * stored.
 */
export async function findListed(
  env: Env,
  bucket: string,
  listed: readonly SeenVersion[],
): Promise<readonly (string | null)[]> {
  return byShare(listed, (share, part) =>
    callVersions(env, bucket, share, (versions) => versions.find(part)),
  );
}

/** Asks each object for its share, and restores the order of the question. */
async function byShare<Answer>(
  listed: readonly SeenVersion[],
  ask: (share: number, part: readonly DigestedVersion[]) => Promise<readonly Answer[]>,
): Promise<Answer[]> {
  const parts = Map.groupBy(listed.keys(), (index) => shareOf(listed[index]?.key ?? ""));
  const answers = new Map<number, Answer>();
  await Promise.all(
    [...parts].map(async ([share, indexes]) => {
      const part = await Promise.all(indexes.flatMap((index) => listed[index] ?? []).map(digest));
      for (const [at, answer] of (await ask(share, part)).entries())
        answers.set(indexes[at] ?? -1, answer);
    }),
  );
  return Array.from(listed.keys(), (index) => {
    const answer = answers.get(index);
    if (answer === undefined)
      throw new Error(`no object has answered for version ${index} of the listing`);
    return answer;
  });
}

/** Replaces key and etag by a digest: the digest is enough, and is stored for long. */
async function digest<Version extends { readonly key: string; readonly etag: string }>({
  key,
  etag,
  ...version
}: Version): Promise<Omit<Version, "key" | "etag"> & { readonly object: string }> {
  return { ...version, object: (await sha256(JSON.stringify([key, etag]))).toHex() };
}

async function callVersions<T>(
  env: Env,
  bucket: string,
  share: number,
  call: (versions: ObjectVersionsRpc) => Promise<T>,
): Promise<T> {
  const name = `${bucket}/${share}`;
  return callWithRetries("the object of the versions", () =>
    call(env.OBJECT_VERSIONS.getByName(name)),
  );
}

/** Spreads keys by FNV-1a, which also separates keys with a common beginning. */
function shareOf(key: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(key)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % SHARES;
}
