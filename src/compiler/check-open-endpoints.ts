/**
 * Warns of endpoints that anybody may call and that trigger something, unless peach.conf says `auth: none` itself: a url is no secret, and
 * what it triggers costs, writes and may overwrite. A guess: what an endpoint triggers is seen as far as its file shows it.
 */
import type { Report } from "./diagnostic.ts";
import { triggersSomething } from "./find-triggers.ts";
import type { LoadedConf } from "./load.ts";
import type { ResolvedMethods } from "./plan.ts";
import type { ValidConf } from "./validate.ts";

/** Reports each of them at its name. */
export function checkOpenEndpoints(
  conf: ValidConf,
  { endpoints, fallbacks }: ResolvedMethods,
  loaded: LoadedConf,
  report: Report,
): void {
  for (const [name, { auth }] of conf.endpoints) {
    if (auth !== undefined) continue;
    const methods = [endpoints.get(name), fallbacks.get(name)].filter(
      (method) => method !== undefined,
    );
    if (!methods.some(({ file, exportName }) => triggersSomething(file, exportName))) continue;
    report(
      loaded.keySpan(["endpoints", name]),
      `endpoints.${name}: anybody may call it, and it triggers tasks`,
      {
        hint: "say who may: `auth: token`, or `auth: {signature: standard-webhooks, secret: NAME_OF_A_VARIABLE}`; if it is meant to be open, write `auth: none`",
      },
    );
  }
}
