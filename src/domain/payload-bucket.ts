/** Which bucket holds payloads: Peach's own, so that nothing which comes from outside, and no pipeline, names it. */
import type { Plan } from "./plan/plan.ts";

/** Its binding in wrangler.toml. */
export const PAYLOADS_BINDING = "PAYLOADS";

/** Whether this is its `bucket_name`. Names of buckets have no upper case. */
export function isPayloadBucket(buckets: Plan["buckets"], name: string): boolean {
  const lower = name.toLowerCase();
  return Object.hasOwn(buckets, lower) && buckets[lower] === PAYLOADS_BINDING;
}

/** The `bucket_name`s of the project: all that wrangler.toml binds but that. */
export function projectBuckets(buckets: Plan["buckets"]): readonly string[] {
  return Object.keys(buckets).filter((name) => !isPayloadBucket(buckets, name));
}
