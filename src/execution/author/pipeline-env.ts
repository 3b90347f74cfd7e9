/**
 * The bindings, variables and secrets for pipeline code: all of the worker's, except Peach's own. A
 * task that logs its `env`, or a package that reads it, thus opens no access to runs or to the API.
 * A binding added to wrangler.toml for Peach must be added here.
 */

/**
 * Names in wrangler.toml, and in `ObjectNamespaces`, which releases up to 0.2 bound there. Names
 * that begin with `PEACH_` are Peach's own as well.
 */
const OWN_BINDINGS = [
  "AUDIT",
  "AUTH_FAILURES",
  "CATALOG",
  "CF_VERSION_METADATA",
  "DEAD_LETTERS",
  "DEAD_LETTER_QUEUE",
  "DEATHS",
  "DEBOUNCES",
  "DELIVERIES",
  "EXECUTORS",
  "IDENTITY",
  "LIMITS",
  "LIMIT_LISTS",
  "OBJECT_VERSIONS",
  "PAUSES",
  "PAYLOADS",
  "R2_EVENT_QUEUE",
  "RUNS",
  "RUN_QUEUE",
  "SCHEDULES",
  "TASK_DIRECTORY",
] as const satisfies readonly (keyof Env)[];

type OwnName = (typeof OWN_BINDINGS)[number] | `PEACH_${string}`;

/** The worker's `env` without Peach's own bindings. */
export type PipelineEnv = { [Name in keyof Env as Name extends OwnName ? never : Name]: Env[Name] };

/**
 * Runs `work` with `env` as the imported `env` of "cloudflare:workers" and with empty `exports`, as
 * long as `work` and everything it starts run.
 */
export type WithEnv = (env: PipelineEnv, work: () => unknown) => unknown;

/** Evaluated with the module, so this is no state. */
const OWN: readonly string[] = OWN_BINDINGS;

/** A cache per `env`: every attempt and every call of an endpoint asks. */
const known = new WeakMap<Env, PipelineEnv>();

/** True if a binding or variable of this name is Peach's own. */
export function isOwnName(name: string): boolean {
  return OWN.includes(name) || name.startsWith("PEACH_");
}

/** Narrows `env` to a copy that does not lead back to the full one. */
export function pipelineEnv(env: Env): PipelineEnv {
  const before = known.get(env);
  if (before !== undefined) return before;
  const entries = Object.entries(env).filter(([name]) => !isOwnName(name));
  // The type keeps the same names by the same rule.
  // oxlint-disable-next-line typescript/consistent-type-assertions
  const narrow = Object.fromEntries(entries) as PipelineEnv;
  known.set(env, narrow);
  return narrow;
}
