/**
 * What random cases of this run are drawn with: PEACH_TEST_SEED, which CI draws anew and prints, or else a number that each failure
 * names. The same seed draws the same cases again.
 */
import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** Set in vitest.config.ts, since tests in the workers pool do not see the environment. */
    readonly seed: number;
  }
}

export const SEED = inject("seed");
