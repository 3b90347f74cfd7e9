/** Events for the subscribers of a run: `GET /api/v1/runs/{id}/events`. */
import { entryOf, type Run } from "../../domain/run/state.ts";
import { type RunChange } from "../../domain/run/run-change.ts";
import type { AttemptUpdate } from "./live-attempts.ts";
import {
  describeHistory,
  describeRun,
  describeState,
  describeTask,
  describeTimes,
  type LiveProgress,
} from "./run-document.ts";

/** An event of a run as sent to subscribers. */
export interface RunEvent {
  /**
   * Position in the journal: a subscriber with this event has everything up to the position. Null:
   * the event is not a change.
   */
  readonly id: number | null;
  readonly event: "run" | "change" | "progress" | "log" | "end";
  /** JSON. */
  readonly data: string;
}

/** Describes the whole run as it is. */
export function runEvent(run: Run, position: number, live: LiveProgress, now: number): RunEvent {
  return { id: position, event: "run", data: JSON.stringify(describeRun(run, live, now)) };
}

/**
 * Describes the changed parts in their current state. To be called after the change is applied and
 * before the next change.
 */
export function changeEvent(
  run: Run,
  change: RunChange,
  position: number,
  live: LiveProgress,
): RunEvent {
  const ordinals = new Set(
    [...change.tasks, ...(change.steps ?? [])].map(({ ordinal }) => taskOf(run, ordinal)),
  );
  // Sorts into graph order: the journal keeps the tasks of a change in another order.
  const inOrder = [...ordinals].toSorted((a, b) => a - b);
  const isNoted = change.tasks.some(({ actions }) => actions !== undefined);
  const data = {
    run: {
      ...describeState(run),
      ...(isNoted && describeHistory(run)),
      // The times need all attempts: only a change of the status is worth that. Without what goes
      // on, so that a repeated event says the same.
      ...(change.run !== undefined && describeTimes(run, 0)),
    },
    tasks: inOrder.flatMap((ordinal) => {
      const entry = run.tasks[ordinal];
      return entry === undefined ? [] : [describeTask(run, entry, live(ordinal))];
    }),
    children: (change.children ?? []).map(({ runId, task }) => ({ run_id: runId, task })),
  };
  return { id: position, event: "change", data: JSON.stringify(data) };
}

/** Announces the end of the run; no event follows by itself. */
export function endEvent(run: Run, position: number): RunEvent {
  return { id: position, event: "end", data: JSON.stringify({ status: run.status }) };
}

/** Describes an update of a running attempt: progress, then log lines. */
export function updateEvents(
  run: Run,
  { ordinal, attempt, progress, lines, dropped }: AttemptUpdate,
): RunEvent[] {
  const entry = entryOf(run, ordinal);
  if (entry === undefined) return [];
  const of = {
    task: entry.task.name,
    ...(entry.item !== undefined && { item: entry.item.index }),
    attempt,
  };
  const event = (name: "progress" | "log", { at, ...said }: { readonly at: number }): RunEvent => ({
    id: null,
    event: name,
    data: JSON.stringify({ ...of, at: new Date(at).toISOString(), ...said }),
  });
  return [
    ...(progress === null ? [] : [event("progress", progress)]),
    ...lines.map((line) => event("log", line)),
    ...(dropped === null ? [] : [event("log", droppedLine(dropped))]),
  ];
}

function droppedLine({ count, at }: { readonly count: number; readonly at: number }): {
  readonly at: number;
} {
  const message = `${count} further log lines are not kept: an attempt keeps 1,000 lines and 64 KiB`;
  const line = { at, level: "warn", message, fields: { dropped: count } };
  return line;
}

/** Returns the ordinal of an item's task, or the ordinal itself. */
function taskOf(run: Run, ordinal: number): number {
  return entryOf(run, ordinal)?.item?.of ?? ordinal;
}
