/** How the HTTP edge asks whether a caller of an endpoint may come in, and what may be asked. */
import type { CallerRule } from "../../domain/limits/caller-window.ts";
import { within } from "../../platform/calls.ts";

export interface CallersRpc {
  /** Counts a request of the caller with this digest (SHA-256 in hex). Null: it is let in; else when it may come again, epoch milliseconds. */
  take(digest: string, rule: CallerRule): Promise<number | null>;
}

/** A caller waits no longer for its turn to be known; a second try would count twice. Milliseconds. */
const LIMIT_MS = 1_000;

/** Asks the object that has this digest: sixteen objects for each endpoint. Rejects when it does not answer in time. */
export async function takeTurn(
  env: Env,
  endpoint: string,
  digest: string,
  rule: CallerRule,
): Promise<number | null> {
  const callers: CallersRpc = env.DELIVERIES.getByName(`${endpoint}/callers/${digest.slice(0, 1)}`);
  return within(LIMIT_MS, "the object that counts callers", callers.take(digest, rule));
}
