/** Client and RPC of the objects that count the callers of an endpoint. */
import type { CallerRule } from "../../domain/limits/caller-window.ts";
import { within } from "../../platform/calls.ts";

export interface CallersRpc {
  /**
   * Counts a request of the caller with this digest (SHA-256 in hex). Null: admitted; otherwise the
   * time of the next place, epoch milliseconds.
   */
  take(digest: string, rule: CallerRule): Promise<number | null>;
}

/** Time limit of the count. No second try, which would count twice. Milliseconds. */
const LIMIT_MS = 1_000;

/**
 * Asks the object of this digest for a place: sixteen objects per endpoint. Rejects after the time
 * limit.
 */
export async function takeTurn(
  env: Env,
  endpoint: string,
  digest: string,
  rule: CallerRule,
): Promise<number | null> {
  const callers: CallersRpc = env.DELIVERIES.getByName(`${endpoint}/callers/${digest.slice(0, 1)}`);
  return within(LIMIT_MS, "the object that counts callers", callers.take(digest, rule));
}
