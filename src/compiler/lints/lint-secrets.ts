import { dirname, join } from "node:path";
import { parseEnv } from "node:util";
import { parse } from "smol-toml";
import { endpointSecrets } from "../needed-secrets.ts";
import { readText } from "../read-file.ts";
import { isMapping } from "../schema-parts.ts";
import type { LintedProject } from "./linted-project.ts";

/** The files beside wrangler.toml whose lines name variables. */
const FILES = [".dev.vars", ".dev.vars.example"] as const;

/**
 * Warns of a secret that peach.conf names and no file provides: the endpoint would refuse every
 * delivery. No file of a repository has the value of a secret, but `.dev.vars.example` lists the
 * names that a deployment needs.
 */
export function lintSecrets({ plan, paths, loaded, warn }: LintedProject): void {
  const needed = endpointSecrets(plan);
  if (needed.length === 0) return;
  const provided = providedNames(paths.wranglerPath);
  const told = new Set<string>();
  for (const { name, secret } of needed) {
    if (provided.has(secret) || told.has(secret)) continue;
    told.add(secret);
    warn(
      "PEACH723",
      loaded.valueSpan(["endpoints", name, "auth", "secret"]),
      `endpoints.${name}.auth.secret: no file provides \`${secret}\``,
      {
        hint:
          `add the line \`${secret}=\` to .dev.vars.example, which says what a deployment needs; ` +
          "its value goes into .dev.vars here, " +
          `and into a deployment by npx wrangler secret put ${secret}`,
      },
    );
  }
}

/** Collects the names of variables and secrets in wrangler.toml and the files beside. */
function providedNames(wranglerPath: string): ReadonlySet<string> {
  const folder = dirname(wranglerPath);
  const lines = FILES.flatMap((file) => Object.keys(parseEnv(readText(join(folder, file)) ?? "")));
  // Node keeps `export` in front of a name without a value.
  const names = lines.map((name) => name.replace(/^export\s+/, ""));
  return new Set([...names, ...namesIn(parse(readText(wranglerPath) ?? ""))]);
}

/**
 * Collects the names in wrangler.toml: variables, declared secrets and bindings of a secret store.
 * Environments (`[env.NAME]`) have the same keys.
 */
function namesIn(config: unknown): string[] {
  if (!isMapping(config)) return [];
  const { vars, secrets, secrets_store_secrets: stored, env } = config;
  const required =
    isMapping(secrets) && Array.isArray(secrets["required"]) ? secrets["required"] : [];
  return [
    ...(isMapping(vars) ? Object.keys(vars) : []),
    ...required.map(String),
    ...(Array.isArray(stored)
      ? stored.map((one) => String(isMapping(one) ? one["binding"] : ""))
      : []),
    ...(isMapping(env) ? Object.values(env).flatMap(namesIn) : []),
  ];
}
