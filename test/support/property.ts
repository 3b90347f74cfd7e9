/** The library of property tests, with the seed of this run: each failure names it. */
import * as fc from "fast-check";
import { SEED } from "./seed.ts";

fc.configureGlobal({ seed: SEED });

export { fc };
