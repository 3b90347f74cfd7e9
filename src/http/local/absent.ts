/** `#local-runtime` of a deployed bundle (see present.ts). */
import type { LocalParts } from "./local-parts.ts";

export const local: LocalParts | null = null;
