import type { Plan } from "../core/plan.ts";

/** The bucket that wrangler.toml binds under this `bucket_name`, or null. */
export function boundBucket(env: Env, { buckets }: Plan, name: string): R2Bucket | null {
  const binding = Object.hasOwn(buckets, name) ? buckets[name] : undefined;
  if (binding === undefined) return null;
  // The plan has its bindings from wrangler.toml's r2_buckets, so what is bound under this name is a bucket.
  const bucket: R2Bucket | undefined = Reflect.get(env, binding);
  return bucket ?? null;
}
