/**
 * Settlements of more than one journal entry can hold. What is too much together is recorded one by one; an attempt that is too much by
 * itself has failed, with the reason, and its neighbours have not.
 */
import { EntryTooLargeError } from "../../domain/run/entry-too-large.ts";
import type { ClaimRequest, Settlement } from "./run-rpc.ts";

/** Of an attempt that came to too much, so many of the runs that it has triggered are recorded. */
const KEPT_CHILDREN = 10_000;

/** Settles some attempts, in one commit, and claims. Throws `EntryTooLargeError`. */
type Settle<T> = (settlements: readonly Settlement[], claim: ClaimRequest | null) => T;

/** Settles all of them, and claims. */
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

/** The attempt as failed for good: another one would come to the same. */
function asTooLarge(settlement: Settlement, { name, message }: Error): Settlement {
  const error = { name, message, stack: null };
  return {
    ...settlement,
    children: settlement.children.slice(0, KEPT_CHILDREN),
    outcome: { type: "failed", error, retryable: false, retryAfterMs: null, reason: "error" },
  };
}
