/** The payload bucket belongs to Peach. No outside input and no pipeline may address it. */
import type { Plan } from "./plan/plan.ts";

/** Binding in wrangler.toml. */
export const PAYLOADS_BINDING = "PAYLOADS";

/** Tests for the `bucket_name` of the payload bucket. Bucket names are lower case. */
export function isPayloadBucket(buckets: Plan["buckets"], name: string): boolean {
  const lower = name.toLowerCase();
  return Object.hasOwn(buckets, lower) && buckets[lower] === PAYLOADS_BINDING;
}

/** Returns the `bucket_name` of every bound bucket except the payload bucket. */
export function projectBuckets(buckets: Plan["buckets"]): readonly string[] {
  return Object.keys(buckets).filter((name) => !isPayloadBucket(buckets, name));
}
