/**
 * wrangler's configuration for the local runtime, derived from wrangler.toml: the same worker, without what needs an account
 * or would build twice, and with what only the local runtime has.
 */
import { parse, type TomlTable } from "smol-toml";

export interface LocalWorker {
  /** The worker's bundle, absolute. */
  readonly main: string;
  /** `bucket_name` to binding: those that wrangler.toml lacks are added. */
  readonly buckets: Readonly<Record<string, string>>;
  /** Variables and secrets of the worker. */
  readonly vars: Readonly<Record<string, string>>;
}

/** The derived configuration as a JSON value. Throws smol-toml's error, which names line and column, if the text is not TOML. */
export function deriveConfig(wranglerToml: string, local: LocalWorker): Record<string, unknown> {
  // `build`: the commands compile by themselves. `ai`: the binding needs an account. `env`: deployments only. `triggers`: cron
  // triggers never come locally, which wrangler warns of; schedules have their own alarm. `route`, `routes`, `dev`: by them wrangler would
  // give every request the host of the deployment, and its own host is what the local runtime goes by.
  const {
    build: _build,
    ai: _ai,
    env: _env,
    triggers: _triggers,
    route: _route,
    routes: _routes,
    dev: _dev,
    ...config
  } = parse(wranglerToml);
  const bound = tables(config["r2_buckets"]);
  const added = Object.entries(local.buckets).flatMap(([bucket, binding]) =>
    bound.some((entry) => entry["bucket_name"] === bucket)
      ? []
      : [{ binding, bucket_name: bucket }],
  );
  return {
    ...config,
    main: local.main,
    // It is a bundle, and lies alone in its folder.
    no_bundle: true,
    find_additional_modules: false,
    vars: { ...table(config["vars"]), ...local.vars, PEACH_LOCAL: "1" },
    r2_buckets: [...bound, ...added],
  };
}

function table(value: unknown): TomlTable {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : {};
}

function tables(value: unknown): TomlTable[] {
  return Array.isArray(value) ? value.map(table) : [];
}
