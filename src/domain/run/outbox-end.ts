/** End of retries for outbox entries (see outbox-events.ts). */
import type { OutboxEntry } from "./outbox-entry.ts";

/** Deliveries before an entry becomes a dead letter, about a day. */
const MAX_DELIVERIES = 100;

/** Attempts to record the dead letter, over an hour. Afterwards only the log mentions the entry. */
const MAX_RECORDINGS = 6;

/** Next action for an entry, due for the `tries`th time. */
export function deliveryStep({ tries }: Pick<OutboxEntry, "tries">): "pay" | "park" | "drop" {
  if (tries <= MAX_DELIVERIES) return "pay";
  return tries <= MAX_DELIVERIES + MAX_RECORDINGS ? "park" : "drop";
}
