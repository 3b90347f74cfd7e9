/** End of retries for outbox entries (see outbox-events.ts). */
import type { Owed } from "./outbox-entry.ts";

/** Deliveries before an entry becomes a dead letter, about a day. */
const MOST_TRIES = 100;

/** Attempts to record the dead letter, over an hour. Afterwards only the log mentions the entry. */
const MOST_RECORDINGS = 6;

/** Next action for an entry, due for the `tries`th time. */
export function stepOf({ tries }: Pick<Owed, "tries">): "pay" | "park" | "drop" {
  if (tries <= MOST_TRIES) return "pay";
  return tries <= MOST_TRIES + MOST_RECORDINGS ? "park" : "drop";
}
