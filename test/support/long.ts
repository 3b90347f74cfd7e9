/** Whether tests do all that they can: PEACH_TEST_LONG=1, as CI has it. `npm test` shows the same with less, in a few minutes. */
import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** Set in vitest.config.ts, since tests in the workers pool do not see the environment. */
    readonly isLong: boolean;
  }
}

export const IS_LONG = inject("isLong");
