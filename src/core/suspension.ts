/**
 * Tasks that await other runs without anything running meanwhile. The attempt ends (`suspended`, which is no failure), the awaited
 * runs are asked to say when they are final, and then the task is queued again.
 *
 * Nothing depends on that message: the runs are asked again, with growing pauses, and every wait has an end. A run that is asked
 * and is final, or is no more, answers so at once. One final run of several is enough: the next attempt finds out which, and
 * suspends again if it needs the others too.
 */
import type { Decision } from "./decision.ts";
import type { RunId } from "./ids.ts";
import type { AttemptRecord, AwaitedRun, TaskState } from "./run.ts";

/** After the first minute without news the awaited runs are asked again; the pause doubles each time. */
const FIRST_ASK_MS = 60_000;
const MAX_ASK_MS = 3_600_000;

type Waiting = Extract<TaskState, { readonly status: "waiting"; readonly for: "run" }>;

/** The attempt has ended to await these runs. Who awaits none goes on at once. */
export function suspend(
  decision: Decision,
  ordinal: number,
  awaits: readonly AwaitedRun[],
  attempt: AttemptRecord,
): void {
  if (awaits.length === 0) decision.makeReady(ordinal, attempt);
  else decision.set(ordinal, waiting(decision, awaits, 0), attempt);
}

/** A wait is over, or it is time to ask again. */
export function askAgain(decision: Decision, ordinal: number, { awaits, asks }: Waiting): void {
  if (awaits.some(({ until }) => until <= decision.now)) decision.makeReady(ordinal);
  else decision.set(ordinal, waiting(decision, awaits, asks + 1));
}

/** A run is final, or is no more: who awaits it goes on. */
export function resume(decision: Decision, runId: RunId): void {
  let resumed = 0;
  for (const ordinal of decision.run.active) {
    const { state } = decision.entry(ordinal);
    if (state.status !== "waiting" || state.for !== "run") continue;
    if (!state.awaits.some((awaited) => awaited.runId === runId)) continue;
    decision.makeReady(ordinal);
    resumed += 1;
  }
  if (resumed === 0) decision.ignore("not_awaited");
}

function waiting(decision: Decision, awaits: readonly AwaitedRun[], asks: number): Waiting {
  decision.effect({ type: "watch", runIds: [...new Set(awaits.map(({ runId }) => runId))] });
  const askAt = decision.now + Math.min(MAX_ASK_MS, FIRST_ASK_MS * 2 ** asks);
  return { status: "waiting", for: "run", awaits, asks, askAt };
}
