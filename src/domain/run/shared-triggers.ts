/**
 * Triggers sharing one run of a debounced task. The run recognises repeated triggers: by key for
 * the lifetime of the run, or by call nonce for the seconds of a retry. Both lists are bounded.
 */
import type { JoinedTrigger, Run } from "./state.ts";

/** Maximum number of triggers; the run then starts, as after its longest wait. */
const MOST_JOINED = 10_000;

/** Number of remembered calls without a key. */
const KNOWN_CALLS = 1_000;

/**
 * Remaining wait for another trigger, in milliseconds. `maxWaitMs` counts from the first trigger;
 * absent means unbounded.
 */
export function longestWaitMs(run: Run, maxWaitMs = Number.POSITIVE_INFINITY, now: number): number {
  if (Object.keys(run.joined).length >= MOST_JOINED) return 0;
  return Math.max(0, run.createdAt + maxWaitMs - now);
}

/** Records a trigger of the run. */
export function applyJoined(
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
