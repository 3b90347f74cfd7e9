import { isPayloadBucket } from "../domain/payload-bucket.ts";
import type { Plan } from "../domain/plan/plan.ts";

/** The project's bucket that wrangler.toml binds under this `bucket_name`; null: there is none, or it is the one with payloads. */
export function boundBucket(env: Env, { buckets }: Plan, name: string): R2Bucket | null {
  const binding = Object.hasOwn(buckets, name) ? buckets[name] : undefined;
  if (binding === undefined || isPayloadBucket(buckets, name)) return null;
  // The plan has its bindings from wrangler.toml's r2_buckets, so what is bound under this name is a bucket.
  const bucket: R2Bucket | undefined = Reflect.get(env, binding);
  return bucket ?? null;
}
