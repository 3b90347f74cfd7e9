/**
 * What of the worker's bindings, variables and secrets the code of pipelines is given: all but Peach's own. A task that logs its `env`, or a
 * package of its that looks through it, is then no way to the runs of others or to the API. A binding that is added to wrangler.toml for
 * Peach is added here.
 */

/** Names in wrangler.toml. What begins with `PEACH_` is Peach's own besides. */
const OWN_BINDINGS = [
  "AUDIT",
  "AUTH_FAILURES",
  "CATALOG",
  "CF_VERSION_METADATA",
  "CONTROLS",
  "DEATHS",
  "DEAD_LETTERS",
  "DEAD_LETTER_QUEUE",
  "DEBOUNCES",
  "DELIVERIES",
  "DIRECTORY",
  "EXECUTORS",
  "IDENTITY",
  "LIMITS",
  "LIMIT_LISTS",
  "PAYLOADS",
  "R2_EVENT_QUEUE",
  "RUNS",
  "RUN_QUEUE",
  "SCHEDULES",
  "VERSIONS",
] as const satisfies readonly (keyof Env)[];

type OwnName = (typeof OWN_BINDINGS)[number] | `PEACH_${string}`;

/** The worker's `env` without what is Peach's own. */
export type PipelineEnv = { [Name in keyof Env as Name extends OwnName ? never : Name]: Env[Name] };

/** Has what code imports as `env` from "cloudflare:workers" be this, and `exports` be empty, as long as `work` and what it starts go on. */
export type WithEnv = (env: PipelineEnv, work: () => unknown) => unknown;

/** Runs code of an author's with the imported `env` of its deployment narrowed so. */
export type AsAuthor = <T>(env: Env, work: () => T) => T;

/** Looked at as soon as the module is there, so that it is no state. */
const OWN: readonly string[] = OWN_BINDINGS;

/** Of each `env` once: every attempt and every call of an endpoint asks. */
const known = new WeakMap<Env, PipelineEnv>();

const owned = new WeakMap<Env, Env>();

/**
 * The whole `env` for Peach's own code, which authors' code calls back into: a copy, since the imported one is the narrow one there. Take
 * it before any code of an author's runs.
 */
export function ownEnv(env: Env): Env {
  // What is not its own, it still has from where it comes.
  const own: Env =
    owned.get(env) ?? Object.create(env, Object.getOwnPropertyDescriptors({ ...env }));
  owned.set(env, own);
  owned.set(own, own);
  return own;
}

/** Whether a binding or a variable of this name is Peach's own. */
export function isOwnName(name: string): boolean {
  return OWN.includes(name) || name.startsWith("PEACH_");
}

/** A copy, by which nobody comes to the whole. */
export function pipelineEnv(env: Env): PipelineEnv {
  const before = known.get(env);
  if (before !== undefined) return before;
  const entries = Object.entries(env).filter(([name]) => !isOwnName(name));
  // The type has the names that are left, by the same rule.
  // oxlint-disable-next-line typescript/consistent-type-assertions
  const narrow = Object.fromEntries(entries) as PipelineEnv;
  known.set(env, narrow);
  return narrow;
}
