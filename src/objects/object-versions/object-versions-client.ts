/** How everybody else reaches the objects that know the versions of a bucket's objects. All of their methods may be called again. */
import { callWithRetries } from "../../platform/calls.ts";
import { sha256 } from "../../platform/sha256.ts";
import type {
  DigestedVersion,
  NotifiedVersion,
  SeenVersion,
  VersionIdentity,
  VersionsRpc,
} from "./object-versions-rpc.ts";

/** The keys of a bucket are shared out: an object takes some hundred writes a second, a queue of notifications brings 5,000. */
const SHARES = 16;
/** What everybody calls the version that a notification is about. Rejects when the surroundings keep failing. */
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

/** What everybody calls the versions of a listing, in its order. */
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

/** The same for those that were met before, and null for the others; nothing is remembered. */
export async function findListed(
  env: Env,
  bucket: string,
  listed: readonly SeenVersion[],
): Promise<readonly (string | null)[]> {
  return byShare(listed, (share, part) =>
    callVersions(env, bucket, share, (versions) => versions.find(part)),
  );
}

/** Asks each object for its share, and puts the answers into the order of the question. */
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

/** The same with a digest in the place of key and etag: more of them nobody needs, and they are kept for long. */
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
  call: (versions: VersionsRpc) => Promise<T>,
): Promise<T> {
  const name = `${bucket}/${share}`;
  return callWithRetries("the object of the versions", () => call(env.VERSIONS.getByName(name)));
}

/** FNV-1a: keys that begin alike are spread all the same. */
function shareOf(key: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(key)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % SHARES;
}
