/**
 * Warns of open endpoints that trigger tasks, unless peach.conf says `auth: none` itself. A URL is
 * no secret, and a triggered run costs money, writes data and may overwrite data.
 *
 * This is a guess: the check sees triggers only in the endpoint's own file.
 */
import { triggersSomething } from "./find-triggers.ts";
import type { ResolvedMethods } from "./plan.ts";
import type { ConfCheck } from "./validate.ts";

/** Reports each such endpoint at its name. */
export function checkOpenEndpoints(
  { conf, loaded, warn }: ConfCheck,
  { endpoints, fallbacks, components }: ResolvedMethods,
): void {
  for (const [name, { auth }] of conf.endpoints) {
    if (auth !== undefined) continue;
    const parts = [...(components.get(name)?.values() ?? [])];
    const methods = [endpoints.get(name), fallbacks.get(name), ...parts].filter(
      (method) => method !== undefined,
    );
    if (!methods.some(({ file, exportName }) => triggersSomething(file, exportName))) continue;
    warn(
      "PEACH702",
      loaded.keySpan(["endpoints", name]),
      `endpoints.${name}: anybody may call it, and it triggers tasks`,
      {
        hint: "say who may: `auth: token`, or `auth: {signature: standard-webhooks, secret: NAME_OF_A_VARIABLE}`; if it is meant to be open, write `auth: none`",
      },
    );
  }
}
