/** The bindings and variables of wrangler.toml and .dev.vars that the pipelines use. */
interface Env {
  readonly UPLOADS: R2Bucket;
  readonly RECOMMENDATIONS: KVNamespace;
  /** Where plays are counted instead of in files, if it is set, with INFLUX_DATABASE. */
  readonly INFLUX_URL?: string;
}
