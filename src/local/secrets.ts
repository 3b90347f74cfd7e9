/**
 * The secrets of a pipeline in the local runtime: from `.dev.vars`, or from the environment, which
 * takes precedence.
 */
import { randomBytes } from "node:crypto";
import { neededSecrets, type NeededSecret } from "../compiler/needed-secrets.ts";
import type { Plan } from "../domain/plan/plan.ts";

/** The worker's variables and the secrets that they lack. */
export interface LocalSecrets {
  /** Variables of the worker, including needed secrets of the environment. */
  readonly vars: Readonly<Record<string, string>>;
  /** Needed secrets that are not set. Their endpoints refuse every delivery. */
  readonly missing: readonly NeededSecret[];
}

/** Adds the needed secrets of the environment to the worker's variables. */
export function withSecrets(
  plan: Plan,
  vars: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string | undefined>>,
): LocalSecrets {
  const needed = neededSecrets(plan);
  const all: Record<string, string> = { ...vars };
  for (const { name } of needed) {
    const value = environment[name];
    if (value !== undefined && value !== "") all[name] = value;
  }
  return { vars: all, missing: needed.filter(({ name }) => (all[name] ?? "") === "") };
}

/** Signature schemes whose secret the receiver chooses. For the other schemes the sender does. */
const CHOSEN_HERE: readonly string[] = ["standard-webhooks", "hmac-sha256"];

/**
 * Selects the missing secrets that the local runtime may make: signed webhooks can be tried at
 * once.
 */
export function makeable(plan: Plan, missing: readonly NeededSecret[]): readonly string[] {
  return missing.flatMap(({ name }) => {
    const schemes = plan.endpoints.flatMap(({ auth }) =>
      "secret" in auth && auth.secret === name ? [auth.scheme] : [],
    );
    return schemes.every((scheme) => CHOSEN_HERE.includes(scheme)) ? [name] : [];
  });
}

/** Makes a secret of 256 random bits in the form of Standard Webhooks. */
export function randomSecret(): string {
  return `whsec_${randomBytes(32).toString("base64")}`;
}

/** Renders a line per missing secret. */
export function describeMissing(missing: readonly NeededSecret[]): string[] {
  return missing.map(
    ({ name, endpoints }) =>
      `${name} is not set: ${endpoints.join(", ")} refuse${endpoints.length === 1 ? "s" : ""} every delivery. ` +
      `Add a line ${name}=... to .dev.vars, or set it in the environment.`,
  );
}
