/**
 * Suspended tasks: waiting for other runs without running code. The attempt ends as `suspended`,
 * which is no failure. The task subscribes to the end of the awaited runs and is queued again
 * afterwards.
 *
 * Several awaited runs resume the task once: after all are final, or after the first failed or
 * expired wait. Earlier answers with their documents are kept for the next attempt. The machine
 * knows only the set of awaited runs, so a `Promise.race` also resumes after all are final.
 *
 * Nothing depends on a single message: unanswered questions are repeated with growing delays, and
 * every wait has a deadline. A final or missing run answers at once.
 */
import { makeReady } from "./cascade.ts";
import type { Transition } from "./transition.ts";
import type { AttemptRecord } from "./attempt.ts";
import type { AwaitedRun, FinalRun, TaskState } from "./task-state.ts";
import type { TaskEntry } from "./state.ts";

/** First repetition of an unanswered question; the delay doubles each time. */
const FIRST_ASK_MS = 60_000;
const MAX_ASK_MS = 3_600_000;

type Waiting = Extract<TaskState, { readonly status: "waiting"; readonly for: "run" }>;

/** Suspends the task. An empty list queues the task at once. */
export function suspend(
  transition: Transition,
  ordinal: number,
  awaits: readonly AwaitedRun[],
  attempt: AttemptRecord,
): void {
  if (awaits.length === 0) return makeReady(transition, ordinal, attempt);
  transition.set(ordinal, { ...asking(transition, awaits, 0), awaits }, attempt);
}

/** Resumes the task after a deadline, or repeats the question. */
export function askAgain(transition: Transition, ordinal: number, state: Waiting): void {
  const left = awaitedBy(transition.entry(ordinal));
  if (left.length === 0 || soonestOf(left) <= transition.now) makeReady(transition, ordinal);
  else if (state.askAt <= transition.now)
    transition.set(ordinal, asking(transition, left, state.asks + 1));
  else
    transition.set(ordinal, {
      status: "waiting",
      for: "run",
      until: soonestOf(left),
      asks: state.asks,
      askAt: state.askAt,
    });
}

/**
 * Applies the end of awaited runs. A task resumes after its last awaited run, or after a failed
 * required run.
 */
export function resume(transition: Transition, runs: readonly FinalRun[]): void {
  let known = 0;
  for (const ordinal of transition.run.active) {
    const entry = transition.entry(ordinal);
    if (entry.state.status !== "waiting" || entry.state.for !== "run") continue;
    const left = awaitedBy(entry);
    const arrived = runs.filter(({ runId }) => left.some((awaited) => awaited.runId === runId));
    for (const run of arrived) transition.builder.awaitedRunEnded(ordinal, run);
    known += arrived.length;
    const failed = arrived.some(
      ({ runId, status }) => status !== "succeeded" && needsSuccess(left, runId),
    );
    const isLast = left.every(({ runId }) => arrived.some((run) => run.runId === runId));
    if (arrived.length > 0 && (failed || isLast)) makeReady(transition, ordinal);
  }
  if (known === 0) transition.reject("not_awaited");
}

/** Runs still awaited by a suspended task. */
export function awaitedBy({ awaits = [], arrived = {} }: TaskEntry): AwaitedRun[] {
  return awaits.filter(({ runId }) => !Object.hasOwn(arrived, runId));
}

function needsSuccess(awaits: readonly AwaitedRun[], runId: string): boolean {
  return awaits.some((awaited) => awaited.runId === runId && awaited.needsSuccess === true);
}

function soonestOf(awaits: readonly AwaitedRun[]): number {
  return awaits.reduce((soonest, { until }) => Math.min(soonest, until), Number.POSITIVE_INFINITY);
}

/** Subscribes to the runs. */
function asking(transition: Transition, left: readonly AwaitedRun[], asks: number): Waiting {
  transition.effect({ type: "subscribe", runIds: [...new Set(left.map(({ runId }) => runId))] });
  const askAt = transition.now + Math.min(MAX_ASK_MS, FIRST_ASK_MS * 2 ** asks);
  return { status: "waiting", for: "run", until: soonestOf(left), asks, askAt };
}
