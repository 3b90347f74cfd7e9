/** The bindings and variables of wrangler.toml and .dev.vars that the pipelines use. */
interface Env {
  readonly UPLOADS: R2Bucket;
  readonly RECOMMENDATIONS: KVNamespace;
  /** Where lists are stored instead of in KV, if it is set: `redis://…`. */
  readonly REDIS_URL?: string;
}
