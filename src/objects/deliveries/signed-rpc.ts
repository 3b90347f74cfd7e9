/**
 * The signed deliveries of one endpoint that are known by what was signed, so that the same bytes are answered once. They are kept by
 * objects of the class of deliveries, several for each endpoint (see `signed-client.ts`).
 *
 *            begin                    finish
 *   (absent) ─────▶ being answered ─────────▶ answered ──7 days──▶ (absent)
 *      ▲                 │ forget: the method failed
 *      └─────────────────┘ or its holder is not heard of before the end of its lease
 */
import type { Begun, KeptAnswer } from "../../domain/signed-delivery.ts";

/** Every call may be made again: `token` names the request. `digest`: SHA-256 in hex. */
export interface SignedDeliveriesRpc {
  /** Waits at most `waitMs` for another request with the same bytes. The lease is how long this one may take. */
  begin(digest: string, token: string, leaseMs: number, waitMs: number): Promise<Begun>;
  /** Keeps the answer for `keepMs`, and the digest for its week. */
  finish(digest: string, token: string, answer: KeptAnswer, keepMs: number): Promise<void>;
  /** The next request with the same bytes is the first again. */
  forget(digest: string, token: string): Promise<void>;
}
