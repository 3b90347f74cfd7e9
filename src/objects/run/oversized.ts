/**
 * Settlements that exceed one journal entry. Settlements that are too large together are recorded
 * one by one. A single attempt that is too large fails with the reason, without effect on its
 * neighbours.
 */
import { EntryTooLargeError } from "../../domain/run/entry-too-large.ts";
import type { ClaimRequest } from "./lease-rpc.ts";
import type { Settlement } from "./settlement-rpc.ts";

/** Number of child runs kept of an attempt that was too large. */
const KEPT_CHILDREN = 10_000;

/** Settles attempts in one commit, and claims. Throws `EntryTooLargeError`. */
type Settle<T> = (settlements: readonly Settlement[], claim: ClaimRequest | null) => T;

/** Settles all attempts, and claims. */
export function settleWhatFits<T>(
  settlements: readonly Settlement[],
  claim: ClaimRequest | null,
  settle: Settle<T>,
): T {
  const all = settled(settlements, claim, settle);
  if (!(all instanceof EntryTooLargeError)) return all;
  for (const one of settlements) {
    const alone = settled([one], null, settle);
    if (alone instanceof EntryTooLargeError) settle([asTooLarge(one, alone)], null);
  }
  return settle([], claim);
}

function settled<T>(
  settlements: readonly Settlement[],
  claim: ClaimRequest | null,
  settle: Settle<T>,
): T | EntryTooLargeError {
  try {
    return settle(settlements, claim);
  } catch (error) {
    if (error instanceof EntryTooLargeError) return error;
    throw error;
  }
}

/** Turns the settlement into a permanent failure: another attempt would return as much. */
function asTooLarge(settlement: Settlement, { name, message }: Error): Settlement {
  const error = { name, message, stack: null };
  return {
    ...settlement,
    children: settlement.children.slice(0, KEPT_CHILDREN),
    outcome: { type: "failed", error, retryable: false, retryAfterMs: null, reason: "error" },
  };
}
