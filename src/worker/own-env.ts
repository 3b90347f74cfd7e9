/**
 * The `env` of Peach's own code: the bindings of wrangler.toml, and the namespaces of Peach's
 * objects and entrypoints. The namespaces come from `ctx.exports`, where the platform puts every
 * class that wrangler.toml creates by a migration; wrangler.toml has no bindings for the classes.
 * Each handler, object and entrypoint makes its `env` here, before any author's code runs.
 */
import { hiddenEnv, hideExports } from "./hide-own-env.ts";

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
  PEACH_VECTORS: "VectorsObject",
  PEACH_DRIVERS: "DriverEntrypoint",
  PEACH_ALERTS: "AlertEntrypoint",
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
  const prototype: Cloudflare.Env = Object.getPrototypeOf(env);
  // Inherited properties stay where they are. A literal: no setter of the platform sees the names.
  // An object that is a prototype has a shape of its own, which makes every look-up slow.
  const own: Env & { readonly __proto__: Cloudflare.Env } = {
    __proto__: prototype,
    ...takenFrom(exports),
    ...hiddenEnv,
    // Releases up to 0.2 bound the classes in wrangler.toml, to the same objects.
    ...env,
  };
  known.set(env, own);
  known.set(own, own);
  return own;
}

/** A cache: the platform gives all code of an isolate the same `exports`. */
const knownExports = new WeakMap<object, ObjectNamespaces>();

/** Takes the namespaces and entrypoints out of `exports`, for good: authors' code finds nothing. */
function takenFrom(exports: object): ObjectNamespaces {
  const before = knownExports.get(exports);
  if (before !== undefined) return before;
  const taken: Record<string, unknown> = {};
  for (const [name, className] of NAMES) taken[name] = Reflect.get(exports, className);
  hideExports(exports);
  // oxlint-disable-next-line typescript/consistent-type-assertions
  const namespaces = taken as unknown as ObjectNamespaces;
  knownExports.set(exports, namespaces);
  return namespaces;
}
