/** What is known of a signed delivery, so that the same bytes are answered once (see `src/objects/deliveries/signed-rpc.ts`). */

/** For so long the same bytes start nothing. */
export const KNOWN_FOR_MS = 7 * 86_400_000;

/** Larger bodies of answers are not kept. Bytes. */
export const KEPT_ANSWER_BYTES = 4096;

/** What was answered. */
export interface KeptAnswer {
  readonly status: number;
  /** Null: it was too large, or is kept no longer. */
  readonly content: { readonly type: string | null; readonly text: string } | null;
}

/**
 * - `first`: nobody else answers it; the caller does, and tells by `finish` or `forget`.
 * - `under_way`: another request with the same bytes is being answered.
 * - `answered`: it was.
 */
export type Begun =
  | { readonly type: "first" }
  | { readonly type: "under_way" }
  | { readonly type: "answered"; readonly answer: KeptAnswer };
