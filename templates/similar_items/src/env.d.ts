/** The bindings of wrangler.toml that the pipelines use. */
interface Env {
  readonly UPLOADS: R2Bucket;
  readonly ITEMS: KVNamespace;
  /** Workers AI, if wrangler.toml binds it. */
  readonly AI?: Ai;
}
