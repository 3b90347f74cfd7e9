/** Waits of a run for the outside, as lists of runs tell. */
import type { Run, TaskEntry } from "./state.ts";

/**
 * Kinds of waits.
 * - `completion`: a person or another system completes it.
 * - `run`: another run.
 * - `time`: its next attempt, which is a minute away or more.
 */
export const WAITING_KINDS = ["completion", "run", "time"] as const;
export type WaitingKind = (typeof WAITING_KINDS)[number];

/** A task that waits. Epoch milliseconds. */
export interface WaitingTask {
  readonly task: string;
  readonly for: WaitingKind;
  readonly until: number;
}

/** Listed tasks, at most. */
const MAX_LISTED = 10;

/** The shortest pause before an attempt that counts as waiting. */
const LONG_PAUSE_MS = 60_000;

/** Lists the waiting tasks of an open run. Items of a mapped task do not count. */
export function waitingTasks(run: Run): readonly WaitingTask[] {
  if (run.finishedAt !== null) return [];
  const waiting: WaitingTask[] = [];
  for (const ordinal of run.active) {
    const entry = run.tasks[ordinal];
    const found = entry === undefined ? null : waitOf(entry);
    if (found !== null) waiting.push(found);
    if (waiting.length === MAX_LISTED) break;
  }
  return waiting;
}

/**
 * Tests that a task waits for a completion or a time: nothing else has the run report soon. A run
 * that awaits another one asks by its alarm, which reports too.
 */
export function isWaitingAlone(entry: TaskEntry | undefined): boolean {
  const wait = entry === undefined ? null : waitOf(entry);
  return wait !== null && wait.for !== "run";
}

/** Returns the wait of a task; null for a task without a wait. */
function waitOf({ task, state, attempts }: TaskEntry): WaitingTask | null {
  if (state.status === "waiting")
    return {
      task: task.name,
      for: state.for,
      until: state.for === "completion" ? state.expiresAt : state.until,
    };
  if (state.status !== "retrying") return null;
  const since = attempts.at(-1)?.finishedAt ?? state.retryAt;
  return state.retryAt - since < LONG_PAUSE_MS
    ? null
    : { task: task.name, for: "time", until: state.retryAt };
}
