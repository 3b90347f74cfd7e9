/**
 * The triggers that share one run of a debounced task. The run knows each of them again: by its key as long as the run is there; without a
 * key by its call, which is repeated within seconds if its answer was lost. Both have a bound, for they may come without end.
 */
import type { JoinedTrigger, Run } from "./state.ts";

/** With so many triggers the run starts, as if its longest wait were over. */
const MOST_JOINED = 10_000;

/** Of the calls without a key the last are known again. */
const KNOWN_CALLS = 1_000;

/** How long the run may still wait for the next trigger, in milliseconds. `maxWaitMs`: since the first; absent: without end. */
export function longestWaitMs(run: Run, maxWaitMs = Number.POSITIVE_INFINITY, now: number): number {
  if (Object.keys(run.joined).length >= MOST_JOINED) return 0;
  return Math.max(0, run.createdAt + maxWaitMs - now);
}

/** The run has taken this trigger. */
export function foldJoined(
  { joined }: Run,
  { id, ...trigger }: JoinedTrigger & { readonly id: string },
): void {
  joined[id] = trigger;
  if (id !== trigger.nonce) return;
  const ids = Object.keys(joined);
  if (ids.length <= KNOWN_CALLS) return;
  const calls = ids.filter((known) => joined[known]?.nonce === known);
  for (const known of calls.slice(0, -KNOWN_CALLS)) delete joined[known];
}
