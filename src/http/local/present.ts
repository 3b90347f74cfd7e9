/**
 * `#local-runtime` in the bundle that `npm run dev` and its like make, by the condition `peach-local` of package.json. A deployed bundle
 * has absent.ts in its place: what writes into buckets without a token is not switched off there, it is not there.
 */
import { devR2Routes } from "./dev-r2.ts";
import type { LocalParts } from "./local-parts.ts";
import { loopbackOnly } from "./loopback.ts";
import { drainBody } from "./drain-body.ts";

export const local: LocalParts | null = {
  guard: loopbackOnly,
  drainBody,
  routes: devR2Routes,
};
