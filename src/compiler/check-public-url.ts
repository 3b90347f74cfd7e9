/**
 * Checks that PEACH_URL, the beginning of completion URLs, is set for external tasks.
 *
 * A deployment without the variable fails each attempt of an external task: Peach does not take the
 * deployment's address from a request, since the sender could choose the address. The local runtime
 * knows the address: the fault would first appear in production.
 */
import { isMapping } from "./schema-parts.ts";
import type { WranglerConfig } from "./wrangler-config.ts";
import type { ConfCheck } from "./validate.ts";

/** The variable of wrangler.toml. */
const NAME = "PEACH_URL";

/**
 * Warns at the first external task, unless wrangler.toml sets the variable at the top level or in
 * at least one environment.
 */
export function checkPublicUrl(
  { conf, loaded, warn }: ConfCheck,
  wrangler: { readonly path: string; readonly config: WranglerConfig },
): void {
  const [first] = [...conf.tasks].filter(([, { external }]) => external).map(([name]) => name);
  if (first === undefined || setsUrl(wrangler.config)) return;
  warn(
    "PEACH703",
    loaded.keySpan(["tasks", first, "external"]),
    `tasks.${first}.external: its completion URLs need the address of the deployment, and ${wrangler.path} does not set ${NAME}`,
    {
      hint: `without it each attempt fails once it is deployed; add to ${wrangler.path}:\n[vars]\n${NAME} = "https://WHERE.IT.IS.REACHED"`,
    },
  );
}

/** Searches the variables of the top level and of each environment. */
function setsUrl({ vars, env }: WranglerConfig): boolean {
  const environments = isMapping(env) ? Object.values(env) : [];
  return [vars, ...environments.map((each) => (isMapping(each) ? each["vars"] : undefined))].some(
    (each) => isMapping(each) && typeof each[NAME] === "string" && each[NAME] !== "",
  );
}
