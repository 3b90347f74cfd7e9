/**
 * The `env` of Peach's own code: the bindings of wrangler.toml, and the namespaces of Peach's
 * objects. The namespaces come from `ctx.exports`, where the platform puts every class that
 * wrangler.toml creates by a migration; wrangler.toml has no bindings for the classes. Each
 * handler, object and entrypoint makes its `env` here, before any author's code runs.
 */
import { hiddenEnv } from "./hide-own-env.ts";

/** The exported classes, by names in `env`. */
const CLASSES: Readonly<Record<keyof ObjectNamespaces, string>> = {
  RUNS: "RunObject",
  EXECUTORS: "ExecutorObject",
  DELIVERIES: "DeliveriesObject",
  DEAD_LETTERS: "DeadLettersObject",
  AUDIT: "AuditObject",
  SCHEDULES: "SchedulesObject",
  DEBOUNCES: "DebounceObject",
  LIMITS: "LimitObject",
  LIMIT_LISTS: "LimitListObject",
  PAUSES: "PausesObject",
  OBJECT_VERSIONS: "ObjectVersionsObject",
  DEATHS: "DeathsObject",
  CATALOG: "CatalogObject",
  TASK_DIRECTORY: "TaskDirectoryObject",
  IDENTITY: "IdentityObject",
};

/** `CLASSES` as pairs. */
const NAMES = Object.entries(CLASSES);

/** A cache: each call of an object asks, with the same `env`. */
const known = new WeakMap<Cloudflare.Env, Env>();

/**
 * Returns Peach's own `env`. A copy, since the platform narrows the imported `env` while
 * authors' code runs. `exports` is `ctx.exports`.
 */
export function ownEnv(env: Cloudflare.Env, exports: object): Env {
  const before = known.get(env);
  if (before !== undefined) return before;
  // Inherited properties stay where they are. A literal: no setter of the platform sees the names.
  const own: Env & { readonly __proto__: Cloudflare.Env } = {
    __proto__: env,
    ...namespacesOf(exports),
    ...hiddenEnv,
    // Releases up to 0.2 bound the classes in wrangler.toml, to the same objects.
    ...env,
  };
  known.set(env, own);
  known.set(own, own);
  return own;
}

/** The platform gives a namespace for each class that wrangler.toml makes. */
function namespacesOf(exports: object): ObjectNamespaces {
  const namespaces: Record<string, unknown> = {};
  for (const [name, className] of NAMES) namespaces[name] = Reflect.get(exports, className);
  // oxlint-disable-next-line typescript/consistent-type-assertions
  return namespaces as unknown as ObjectNamespaces;
}
