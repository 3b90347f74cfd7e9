/** When a run gives up what it owes (see owed.ts). */
import type { Owed } from "./state.ts";

/** A debt that was paid so often in vain, for about a day (see owed.ts), is recorded as a dead letter instead. */
const MOST_TRIES = 100;

/** So often it is tried to record that, for a good hour; then the log alone says what became of the debt. */
const MOST_RECORDINGS = 6;

/** What is to be done about a debt that is due for the `tries`th time. */
export function stepOf({ tries }: Pick<Owed, "tries">): "pay" | "park" | "drop" {
  if (tries <= MOST_TRIES) return "pay";
  return tries <= MOST_TRIES + MOST_RECORDINGS ? "park" : "drop";
}
