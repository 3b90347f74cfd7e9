/**
 * Derives wrangler's configuration for the local runtime from wrangler.toml: the same worker,
 * without parts that need an account or build twice, and with the parts of the local runtime.
 */
import { parse } from "smol-toml";
import { isMapping } from "../compiler/schema-parts.ts";
import { tablesIn } from "../compiler/wrangler-config.ts";

/** The parts of the configuration that the local runtime sets. */
export interface LocalWorker {
  /** The absolute path of the worker's bundle. */
  readonly main: string;
  /** Bindings by `bucket_name`. Buckets that wrangler.toml lacks are added. */
  readonly buckets: Readonly<Record<string, string>>;
  /** Variables and secrets of the worker. */
  readonly vars: Readonly<Record<string, string>>;
}

/**
 * Derives the configuration as a JSON value. Throws smol-toml's error, which names line and column,
 * if the text is not TOML.
 */
export function deriveConfig(wranglerToml: string, local: LocalWorker): Record<string, unknown> {
  // Removed keys: `build` and `alias`, since the commands compile and bundle themselves; `ai`, whose binding needs an
  // account; `env`, which is for deployments; `triggers`, since cron triggers never fire locally
  // (wrangler warns of it) and schedules have their own alarm; `route`, `routes` and `dev`, since
  // with them wrangler would give every request the host of the deployment, and the local runtime
  // recognises requests by its own host.
  const {
    build: _build,
    ai: _ai,
    env: _env,
    triggers: _triggers,
    route: _route,
    routes: _routes,
    dev: _dev,
    alias: _alias,
    ...config
  } = parse(wranglerToml);
  const bound = tablesIn(config["r2_buckets"]);
  const added = Object.entries(local.buckets).flatMap(([bucket, binding]) =>
    bound.some((entry) => entry["bucket_name"] === bucket)
      ? []
      : [{ binding, bucket_name: bucket }],
  );
  const own = isMapping(config["vars"]) ? config["vars"] : {};
  const vars = { ...own, ...local.vars, PEACH_LOCAL: "1" };
  return {
    ...config,
    main: local.main,
    // The worker is a bundle, alone in its folder.
    no_bundle: true,
    find_additional_modules: false,
    // A runtime restarts when the text changes, also if only the order of variables does.
    vars: Object.fromEntries(Object.entries(vars).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    r2_buckets: [...bound, ...added],
  };
}
