/** When the watchers of a final run are told, and told again: with growing pauses, until each has answered. */
import type { Run, Telling } from "./run.ts";
import type { Effect } from "./run-event.ts";

const FIRST_TELL_MS = 10_000;
const MAX_TELL_MS = 3_600_000;

/** All who have not answered are told now. */
export function tellNow({ watchers, telling }: Run, now: number): { effect: Effect; telling: Telling } {
  const tells = telling?.tells ?? 0;
  const tellAt = now + Math.min(MAX_TELL_MS, FIRST_TELL_MS * 2 ** tells);
  return { effect: { type: "tell", runIds: watchers }, telling: { tells: tells + 1, tellAt } };
}
