/** `env` as Peach's own code has it: the bindings of wrangler.toml, and the namespaces of its objects. */
import { env as bindings, exports } from "cloudflare:workers";
import { ownEnv } from "../../src/worker/own-env.ts";

export const env = ownEnv(bindings, exports);
