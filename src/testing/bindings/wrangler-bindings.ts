/** The bindings of wrangler.toml, as far as pipelines see them. */
import { parse } from "smol-toml";
import { readText } from "../../compiler/read-file.ts";
import { isMapping } from "../../compiler/schema-parts.ts";
import type { Plan } from "../../domain/plan/plan.ts";
import { isOwnName } from "../../execution/author/pipeline-env.ts";

/** Bindings of pipelines by name, without Peach's own. */
export interface WranglerBindings {
  /** Names of R2 buckets. */
  readonly buckets: Readonly<Record<string, string>>;
  readonly kv: readonly string[];
  readonly queues: readonly string[];
  readonly vars: Readonly<Record<string, unknown>>;
  /** Kinds of the bindings that the kit does not have: the keys of wrangler.toml. */
  readonly others: Readonly<Record<string, string>>;
}

/** Reads the file; a missing file binds nothing. Throws if the file is no TOML. */
export function readWranglerBindings(path: string): WranglerBindings {
  const config = parse(readText(path) ?? "");
  const [buckets, vars]: [Record<string, string>, Record<string, unknown>] = [{}, {}];
  const [kv, queues]: [string[], string[]] = [[], []];
  const others: Record<string, string> = {};
  for (const { kind, binding, table } of bindingsOf(config)) {
    if (isOwnName(binding)) continue;
    if (kind === "r2_buckets") buckets[binding] = textOr(table["bucket_name"], binding);
    else if (kind === "kv_namespaces") kv.push(binding);
    else if (kind === "queues.producers") queues.push(binding);
    else others[binding] = kind;
  }
  for (const [name, value] of Object.entries(isMapping(config["vars"]) ? config["vars"] : {}))
    if (!isOwnName(name)) vars[name] = value;
  return { buckets, kv, queues, vars, others };
}

interface Found {
  readonly kind: string;
  readonly binding: string;
  readonly table: Readonly<Record<string, unknown>>;
}

/** Lists the tables with a `binding` or a `name`, at any depth. Environments are left out. */
function bindingsOf(config: Readonly<Record<string, unknown>>, path = ""): Found[] {
  return Object.entries(config).flatMap(([key, value]) => {
    const kind = path === "" ? key : `${path}.${key}`;
    // Objects are Peach's, and these name no binding.
    if (/^(env|vars|migrations|durable_objects|triggers|build|version_metadata)$/.test(kind))
      return [];
    if (isMapping(value)) {
      const own = nameOf(kind, value);
      return own === null ? bindingsOf(value, kind) : [{ kind, binding: own, table: value }];
    }
    return (Array.isArray(value) ? value : []).flatMap((table: unknown) => {
      const binding = isMapping(table) ? nameOf(kind, table) : null;
      return isMapping(table) && binding !== null ? [{ kind, binding, table }] : [];
    });
  });
}

function nameOf(kind: string, table: Readonly<Record<string, unknown>>): string | null {
  const name = table["binding"] ?? (kind === "send_email" ? table["name"] : undefined);
  return typeof name === "string" ? name : null;
}

function textOr(value: unknown, fallback: string): string {
  return typeof value === "string" ? value : fallback;
}

/** Stands in for a binding that the kit does not have: any use throws and says what to pass. */
export function absentBinding(name: string, kind: string): object {
  const refuse = (): never => {
    throw new Error(
      `env.${name} is bound by ${kind} in wrangler.toml, which peach/testing does not have. Pass one: testPipeline({ env: { ${name}: … } })`,
    );
  };
  return new Proxy(
    {},
    {
      // A name that promises and printers look for is no use.
      get: (_, key) => (typeof key === "symbol" || key === "then" ? undefined : refuse()),
      set: refuse,
      has: refuse,
    },
  );
}

/** Buckets that peach.conf names and wrangler.toml does not bind, as `npm run dev` binds them. */
export function unboundBuckets(
  plan: Plan,
  bound: Readonly<Record<string, string>>,
): Record<string, string> {
  const known = new Set(Object.values(bound));
  return Object.fromEntries(
    Object.entries(plan.buckets)
      .filter(([bucket, binding]) => !known.has(bucket) && binding !== "PAYLOADS")
      .map(([bucket, binding]) => [binding, bucket]),
  );
}
