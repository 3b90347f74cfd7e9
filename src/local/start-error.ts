/** A failed start, for a reason that the user can remove. */
export class RuntimeStartError extends Error {}
