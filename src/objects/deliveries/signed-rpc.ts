/**
 * RPC for signed deliveries, which are known by digest so that the same bytes are answered once.
 * Objects of the class of deliveries keep them, several per endpoint (see `signed-client.ts`).
 *
 *            begin                    finish
 *   (absent) ─────▶ being answered ─────────▶ answered ──7 days──▶ (absent)
 *      ▲                 │ forget: the method failed,
 *      └─────────────────┘ or the lease of its holder ended without news
 */
import type { Begun, KeptAnswer } from "../../domain/signed-delivery.ts";

/** Methods that may all be retried: `token` names the request. `digest`: SHA-256 in hex. */
export interface SignedDeliveriesRpc {
  /**
   * Begins a request, or waits at most `waitMs` for another one with the same bytes. The lease
   * bounds the time of this request.
   */
  begin(digest: string, token: string, leaseMs: number, waitMs: number): Promise<Begun>;
  /** Stores the answer for `keepMs`, and the digest for a week. */
  finish(digest: string, token: string, answer: KeptAnswer, keepMs: number): Promise<void>;
  /** Drops the lease: the next request with the same bytes is the first again. */
  forget(digest: string, token: string): Promise<void>;
}
