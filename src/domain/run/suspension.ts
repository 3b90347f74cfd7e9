/**
 * Tasks that await other runs without anything running meanwhile. The attempt ends (`suspended`, which is no failure), the awaited
 * runs are asked to say when they are final, and then the task is queued again.
 *
 * Several that are awaited at once resume the task once: when all of them are final, or the first wait fails or is over. What the
 * others have said until then, their documents included, is kept for the next attempt, which need not ask them again. An attempt
 * says only what it was waiting for when it ended, so one that would go on with the first of them (`Promise.race`) is resumed when all
 * are there, too.
 *
 * Nothing depends on a message: runs that have not answered are asked again, with growing pauses, and every wait has an end. A run that
 * is asked and is final, or is no more, answers so at once.
 */
import type { Decision } from "./transition.ts";
import type { AttemptRecord, AwaitedRun, FinalRun, TaskEntry, TaskState } from "./state.ts";

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
  if (awaits.length === 0) return decision.makeReady(ordinal, attempt);
  decision.set(ordinal, { ...asking(decision, awaits, 0), awaits }, attempt);
}

/** A wait is over, or it is time to ask again. */
export function askAgain(decision: Decision, ordinal: number, state: Waiting): void {
  const left = awaitedBy(decision.entry(ordinal));
  if (left.length === 0 || soonestOf(left) <= decision.now) decision.makeReady(ordinal);
  else if (state.askAt <= decision.now)
    decision.set(ordinal, asking(decision, left, state.asks + 1));
  else
    decision.set(ordinal, {
      status: "waiting",
      for: "run",
      until: soonestOf(left),
      asks: state.asks,
      askAt: state.askAt,
    });
}

/** Runs are final, or are no more: who has awaited the last of them, or cannot go on without it, goes on. */
export function resume(decision: Decision, runs: readonly FinalRun[]): void {
  let known = 0;
  for (const ordinal of decision.run.active) {
    const entry = decision.entry(ordinal);
    if (entry.state.status !== "waiting" || entry.state.for !== "run") continue;
    const left = awaitedBy(entry);
    const arrived = runs.filter(({ runId }) => left.some((awaited) => awaited.runId === runId));
    for (const run of arrived) decision.notes.arrive(ordinal, run);
    known += arrived.length;
    const failed = arrived.some(
      ({ runId, status }) => status !== "succeeded" && needsSuccess(left, runId),
    );
    const isLast = left.every(({ runId }) => arrived.some((run) => run.runId === runId));
    if (arrived.length > 0 && (failed || isLast)) decision.makeReady(ordinal);
  }
  if (known === 0) decision.ignore("not_awaited");
}

/** What a suspended task still awaits. */
export function awaitedBy({ awaits = [], arrived = {} }: TaskEntry): AwaitedRun[] {
  return awaits.filter(({ runId }) => !Object.hasOwn(arrived, runId));
}

function needsSuccess(awaits: readonly AwaitedRun[], runId: string): boolean {
  return awaits.some((awaited) => awaited.runId === runId && awaited.needsSuccess === true);
}

function soonestOf(awaits: readonly AwaitedRun[]): number {
  return awaits.reduce((soonest, { until }) => Math.min(soonest, until), Number.POSITIVE_INFINITY);
}

/** Has the runs asked. */
function asking(decision: Decision, left: readonly AwaitedRun[], asks: number): Waiting {
  decision.effect({ type: "watch", runIds: [...new Set(left.map(({ runId }) => runId))] });
  const askAt = decision.now + Math.min(MAX_ASK_MS, FIRST_ASK_MS * 2 ** asks);
  return { status: "waiting", for: "run", until: soonestOf(left), asks, askAt };
}
