import { isPayloadBucket } from "../domain/payload-bucket.ts";
import type { Plan } from "../domain/plan/plan.ts";

/**
 * Returns the project's bucket that wrangler.toml binds under this `bucket_name`. Null if there is
 * none, or if it is the bucket with payloads.
 */
export function boundBucket(env: Env, { buckets }: Plan, name: string): R2Bucket | null {
  const binding = Object.hasOwn(buckets, name) ? buckets[name] : undefined;
  if (binding === undefined || isPayloadBucket(buckets, name)) return null;
  // The plan takes its bindings from `r2_buckets` in wrangler.toml, so the bound value is a bucket.
  const bucket: R2Bucket | undefined = Reflect.get(env, binding);
  return bucket ?? null;
}
