// A file of global declarations cannot import.
// oxlint-disable typescript/consistent-type-imports
/**
 * Optional secrets, variables and bindings of a deployment. `wrangler types` knows only those that
 * wrangler.toml names.
 */
interface __BaseEnv_Env {
  /** API token with all rights; at least 24 characters. */
  readonly PEACH_API_TOKEN?: string;
  /** Further API tokens: `name:scope:sha256-hex`, comma separated. */
  readonly PEACH_API_TOKENS?: string;
  /** Cloudflare Access: the domain of the team (`team.cloudflareaccess.com`). */
  readonly PEACH_ACCESS_TEAM_DOMAIN?: string;
  /** Cloudflare Access: the audience tags of the application, comma separated. */
  readonly PEACH_ACCESS_AUD?: string;
  /**
   * Rights of the identities of Cloudflare Access: `identity:scope`, comma separated. An identity
   * is an address, a service, `*@domain` or `*`.
   */
  readonly PEACH_ACCESS_SCOPES?: string;
  /** Origins whose pages may call the API, comma separated, or `*`; absent: only its own. */
  readonly PEACH_CORS_ORIGINS?: string;
  /** Share of requests without a trace for which a trace begins, from 0 to 1; absent: none. */
  readonly PEACH_TRACE_SAMPLE?: string;
  /**
   * Host, without a port, of the dashboard and of calls with a session cookie. Endpoints are then
   * served on the other hosts only. Absent: every host serves both.
   */
  readonly PEACH_CONSOLE_HOST?: string;
  /** "1" on the local runtime only, which has the calls under /dev. */
  readonly PEACH_LOCAL?: string;
  /** Longest chain of runs that trigger each other; 32 if absent or not a number. */
  readonly PEACH_MAX_TRIGGER_DEPTH?: string;
  /** Address of this deployment, which completion URLs begin with: `https://peach.example.org`. */
  readonly PEACH_URL?: string;
  /** Access key for objects of S3 or a compatible store; needs the secret key and the region. */
  readonly AWS_ACCESS_KEY_ID?: string;
  /** Secret key for objects of S3 or a compatible store. */
  readonly AWS_SECRET_ACCESS_KEY?: string;
  /** Region of S3 or of the compatible store. */
  readonly AWS_REGION?: string;
  /** Address of a compatible store; absent: AWS. */
  readonly AWS_ENDPOINT_URL?: string;
  /** Workers AI, if wrangler.toml binds it. */
  readonly AI?: Ai;
}

/** The namespaces of Peach's objects, which its own code finds in `env` (src/worker/own-env.ts). */
interface ObjectNamespaces {
  readonly RUNS: DurableObjectNamespace<import("./worker/deployed-objects.ts").RunObject>;
  readonly EXECUTORS: DurableObjectNamespace<import("./worker/deployed-objects.ts").ExecutorObject>;
  readonly DELIVERIES: DurableObjectNamespace<
    import("./worker/deployed-objects.ts").DeliveriesObject
  >;
  readonly DEAD_LETTERS: DurableObjectNamespace<
    import("./worker/deployed-objects.ts").DeadLettersObject
  >;
  readonly AUDIT: DurableObjectNamespace<import("./worker/deployed-objects.ts").AuditObject>;
  readonly SCHEDULES: DurableObjectNamespace<
    import("./worker/deployed-objects.ts").SchedulesObject
  >;
  readonly DEBOUNCES: DurableObjectNamespace<import("./worker/deployed-objects.ts").DebounceObject>;
  readonly LIMITS: DurableObjectNamespace<import("./worker/deployed-objects.ts").LimitObject>;
  readonly LIMIT_LISTS: DurableObjectNamespace<
    import("./worker/deployed-objects.ts").LimitListObject
  >;
  readonly PAUSES: DurableObjectNamespace<import("./worker/deployed-objects.ts").PausesObject>;
  readonly OBJECT_VERSIONS: DurableObjectNamespace<
    import("./worker/deployed-objects.ts").ObjectVersionsObject
  >;
  readonly DEATHS: DurableObjectNamespace<import("./worker/deployed-objects.ts").DeathsObject>;
  readonly CATALOG: DurableObjectNamespace<import("./worker/deployed-objects.ts").CatalogObject>;
  readonly TASK_DIRECTORY: DurableObjectNamespace<
    import("./worker/deployed-objects.ts").TaskDirectoryObject
  >;
  readonly IDENTITY: DurableObjectNamespace<import("./worker/deployed-objects.ts").IdentityObject>;
  /**
   * The indexes of vectors, by the name in `vectors(name)` of `peach/stores`. The prefix leaves the
   * name `VECTORS` to a binding of the project, such as one for Vectorize.
   */
  readonly PEACH_VECTORS: DurableObjectNamespace<
    import("./worker/deployed-objects.ts").VectorsObject
  >;
  /** Drives a run in an invocation of its own. */
  readonly PEACH_DRIVERS: Service<import("./worker/driver-entrypoint.ts").DriverEntrypoint>;
  /** Triggers the task of `on_failure` in an invocation of its own. */
  readonly PEACH_ALERTS: Service<import("./worker/alert-entrypoint.ts").AlertEntrypoint>;
}

/** `env` of Peach's own code. What the platform gives is `Cloudflare.Env`, without the objects. */
interface Env extends ObjectNamespaces {}
