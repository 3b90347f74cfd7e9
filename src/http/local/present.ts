/**
 * `#local-runtime` in the bundle of `npm run dev`, selected by the condition `peach-local` in
 * package.json. A deployed bundle has absent.ts in its place: the code that writes into buckets
 * without a token is not switched off there, it is absent.
 */
import { devR2Routes } from "./dev-r2.ts";
import type { LocalParts } from "./local-parts.ts";
import { loopbackOnly } from "./loopback.ts";
import { showConsole } from "./show-console.ts";
import { drainBody } from "./drain-body.ts";
import { installOwnStacks } from "./own-stacks.ts";

// Before the files of the pipelines are evaluated: they may throw.
installOwnStacks();

export const local: LocalParts | null = {
  guard: loopbackOnly,
  drainBody,
  routes: (dependencies) => devR2Routes(dependencies).use(showConsole),
};
