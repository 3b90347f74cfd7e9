/** Notification of waiting runs: repeated with growing delays until acknowledged. */
import type { RunId } from "../ids.ts";
import type { NotificationState } from "./state.ts";
import type { Effect } from "./machine-events.ts";

const FIRST_DELAY_MS = 10_000;
const MAX_DELAY_MS = 3_600_000;

/**
 * Notifications before giving up, about a day. The waiting run then asks by itself (see
 * suspension.ts).
 */
export const MAX_NOTIFICATIONS = 32;

/**
 * Notifies each waiting run without an acknowledgement. `tells`: number of earlier notifications of
 * this revision. The next reminder follows after 10 s, doubling up to 1 h.
 */
export function notifyWaiters(
  watchers: readonly RunId[],
  revision: number,
  tells: number,
  now: number,
): { effect: Effect; telling: NotificationState } {
  const tellAt = now + Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** tells);
  return {
    effect: { type: "tell", runIds: watchers, revision },
    telling: { sent: tells + 1, dueAt: tellAt },
  };
}
