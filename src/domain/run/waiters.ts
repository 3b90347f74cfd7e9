/** When the watchers of a final run are told, and told again: with growing pauses, until each has answered. */
import type { RunId } from "../ids.ts";
import type { Telling } from "./state.ts";
import type { Effect } from "./machine-events.ts";

const FIRST_TELL_MS = 10_000;
const MAX_TELL_MS = 3_600_000;

/** Whoever was told so often in vain, for about a day, is left alone: it asks by itself (see suspension.ts). */
export const MOST_TELLS = 32;

/** All who have not answered are told now of the ending that made the run's revision what it is. `tells`: how often they were told of it. */
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
