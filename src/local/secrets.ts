/** The secrets that a pipeline needs, as the local runtime gets them: from `.dev.vars`, or from the environment, which wins. */
import { randomBytes } from "node:crypto";
import { neededSecrets, type NeededSecret } from "../compiler/needed-secrets.ts";
import type { Plan } from "../domain/plan/plan.ts";

export interface LocalSecrets {
  /** All variables of the worker, with those needed secrets that the environment sets. */
  readonly vars: Readonly<Record<string, string>>;
  /** What nobody has set: its endpoints refuse every delivery. */
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

/** Schemes whose secret the receiver may choose; with the others, the sender has it. */
const CHOSEN_HERE: readonly string[] = ["standard-webhooks", "hmac-sha256"];

/** Of the missing secrets, those that the local runtime may make: a webhook is then tried as it is used, signed. */
export function makeable(plan: Plan, missing: readonly NeededSecret[]): readonly string[] {
  return missing.flatMap(({ name }) => {
    const schemes = plan.endpoints.flatMap(({ auth }) =>
      "secret" in auth && auth.secret === name ? [auth.scheme] : [],
    );
    return schemes.every((scheme) => CHOSEN_HERE.includes(scheme)) ? [name] : [];
  });
}

/** 256 random bits in the form of Standard Webhooks. */
export function randomSecret(): string {
  return `whsec_${randomBytes(32).toString("base64")}`;
}

/** A line for each secret that is missing. */
export function describeMissing(missing: readonly NeededSecret[]): string[] {
  return missing.map(
    ({ name, endpoints }) =>
      `${name} is not set: ${endpoints.join(", ")} refuse${endpoints.length === 1 ? "s" : ""} every delivery. ` +
      `Add a line ${name}=... to .dev.vars, or set it in the environment.`,
  );
}
