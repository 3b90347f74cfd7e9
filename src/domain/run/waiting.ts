/** Waits of a run for the outside, as lists of runs tell. */
import { entryOf, type Run, type TaskEntry } from "./state.ts";

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

/**
 * Lists the waiting tasks of an open run. Items of a mapped task that wait for the same kind are
 * one entry, with the time of the first.
 */
export function waitingTasks(run: Run): readonly WaitingTask[] {
  if (run.finishedAt !== null) return [];
  const waiting = new Map<string, WaitingTask>();
  for (const ordinal of run.active) {
    const entry = entryOf(run, ordinal);
    const found = entry === undefined ? null : waitOf(entry);
    if (found !== null && !waiting.has(keyOf(found))) waiting.set(keyOf(found), found);
    if (waiting.size === MAX_LISTED) break;
  }
  return [...waiting.values()];
}

/** Names the waits of a run without their times: many items may take turns. */
export function kindsOfWaits(run: Run): string {
  return waitingTasks(run).map(keyOf).join();
}

function keyOf({ task, for: kind }: WaitingTask): string {
  return `${task} ${kind}`;
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
