/** Restores Peach's own part of `env` after the files of authors are evaluated. */
import { env } from "cloudflare:workers";
import { hidden } from "./hide-own-env.ts";

for (const [name, descriptor] of Object.entries(hidden))
  Object.defineProperty(env, name, descriptor);
