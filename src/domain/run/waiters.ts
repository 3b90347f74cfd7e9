/** Notification of waiting runs: repeated with growing delays until acknowledged. */
import type { RunId } from "../ids.ts";
import type { Telling } from "./state.ts";
import type { Effect } from "./machine-events.ts";

const FIRST_TELL_MS = 10_000;
const MAX_TELL_MS = 3_600_000;

/**
 * Notifications before giving up, about a day. The waiting run then asks by itself (see
 * suspension.ts).
 */
export const MOST_TELLS = 32;

/**
 * Notifies each waiting run without an acknowledgement. `tells`: number of earlier notifications of
 * this revision. The next reminder follows after 10 s, doubling up to 1 h.
 */
export function tellNow(
  watchers: readonly RunId[],
  revision: number,
  tells: number,
  now: number,
): { effect: Effect; telling: Telling } {
  const tellAt = now + Math.min(MAX_TELL_MS, FIRST_TELL_MS * 2 ** tells);
  return {
    effect: { type: "tell", runIds: watchers, revision },
    telling: { tells: tells + 1, tellAt },
  };
}
