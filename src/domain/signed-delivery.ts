/**
 * Records of signed deliveries: equal bytes are answered once (see
 * `src/objects/deliveries/signed-rpc.ts`).
 */

/** Duration of the memory: repeated bytes start nothing for this long. */
export const KNOWN_FOR_MS = 7 * 86_400_000;

/** Largest remembered answer body, in bytes. */
export const KEPT_ANSWER_BYTES = 4096;

/** A remembered answer. */
export interface KeptAnswer {
  readonly status: number;
  /** Body of the answer; null if too large or already expired. */
  readonly content: { readonly type: string | null; readonly text: string } | null;
}

/**
 * Result of a first look at a signed delivery.
 * - `first`: the caller answers, and reports with `finish` or `forget`.
 * - `under_way`: another request with equal bytes is being answered.
 * - `answered`: the delivery has an answer.
 */
export type Begun =
  | { readonly type: "first" }
  | { readonly type: "under_way" }
  | { readonly type: "answered"; readonly answer: KeptAnswer };
