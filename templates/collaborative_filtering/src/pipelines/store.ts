/**
 * Lists for the endpoint, in Redis where `REDIS_URL` is set, else in the KV namespace
 * `RECOMMENDATIONS`. A new set of lists is written beside the one that is served, and then put in
 * its place by one write: a reader never sees half of it.
 */
import { redis } from "peach/stores";
import { readServed, servedBy, type Served } from "peach/task-helpers";

/** Where lists are written to and read from. */
interface Store {
  get(key: string): Promise<string | null>;
  put(key: string, value: string): Promise<void>;
}

/** The key with the name of the set that is served. */
const CURRENT = "recommendations:current";
/** A set that was not replaced for so long is no longer served, in seconds. */
const KEPT = 30 * 24 * 60 * 60;
/** Lists of several users share a value, since a value costs a write. */
const SHARDS = 64;
/** Values that are written at the same time. */
const AT_ONCE = 8;

/** Stores a set of lists under a name of its own, and serves it when all of it is there. */
export async function storeLists(env: Env, name: string, lists: ReadonlyMap<string, unknown>): Promise<void> {
  const store = storeOf(env);
  const shards = [...Map.groupBy(lists, ([key]) => shardKey(name, key))];
  for (let from = 0; from < shards.length; from += AT_ONCE)
    await Promise.all(
      shards.slice(from, from + AT_ONCE).map(([key, entries]) => store.put(key, JSON.stringify(entries))),
    );
  // With the run that computed them, which the token of each answer will name.
  await store.put(CURRENT, JSON.stringify(servedBy(name)));
}

/** Reads a list of the set that is served, with the run that computed it; null if there is none. */
export async function readList<T>(env: Env, key: string): Promise<Served<T> | null> {
  const store = storeOf(env);
  const current = await store.get(CURRENT);
  if (current === null) return null;
  const served = readServed<string>(JSON.parse(current));
  const shard = await store.get(shardKey(served.value, key));
  const entries: [string, T][] = JSON.parse(shard ?? "[]");
  const entry = entries.find(([each]) => each === key);
  return entry === undefined ? null : { ...served, value: entry[1] };
}

function storeOf({ REDIS_URL, RECOMMENDATIONS: kv }: Env): Store {
  if (REDIS_URL === undefined || REDIS_URL === "")
    return {
      get: (key) => kv.get(key),
      put: (key, value) => kv.put(key, value, { expirationTtl: KEPT }),
    };
  const client = redis();
  return {
    get: (key) => client.get(key),
    put: (key, value) => client.set(key, value, { ttl: `${KEPT}s` }),
  };
}

/** The hash is FNV-1a (Fowler, Noll, Vo), 32 bits. */
function shardKey(name: string, key: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(key)) hash = Math.imul(hash ^ byte, 0x01000193);
  return `recommendations:${name}:${(hash >>> 0) % SHARDS}`;
}
