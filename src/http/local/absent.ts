/** `#local-runtime` in a deployed bundle: nothing (see present.ts). */
import type { LocalParts } from "./local-parts.ts";

export const local: LocalParts | null = null;
