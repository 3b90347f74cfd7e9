/**
 * Data of the server-sent events at `/runs/{id}/events`. The object of the run writes the events;
 * the client and the dashboard read them. Events have no schema, because an OpenAPI document cannot
 * describe a stream.
 */
import type { RunStatus } from "../domain/statuses.ts";
import type { LogLine } from "./run-logs.ts";
import type { Progress, RunDocument, TaskOfRun } from "./run.ts";

/** Data of `change`: the parts of the run which one commit changed, each in its new state. */
export interface RunChange {
  readonly run: Pick<RunDocument, "status" | "started_at" | "finished_at" | "duration_ms"> &
    // Absent without a new status: the times cost a read of all attempts.
    // The history also comes with each new entry.
    Partial<Pick<RunDocument, "late" | "work_ms" | "waited_ms" | "rounds" | "history">>;
  /** The changed tasks, each as a whole. */
  readonly tasks: readonly TaskOfRun[];
  /** New children only. */
  readonly children: RunDocument["children"];
}

/** The attempt that an event is about. */
interface AttemptEvent {
  readonly task: string;
  /** Index of the item; absent for a task without `each`. */
  readonly item?: number;
  readonly attempt: number;
}

/** Data of `progress`. */
export type ProgressEvent = AttemptEvent & Progress;

/** Data of `log`. */
export type LogEvent = AttemptEvent & LogLine;

/** Data of `end`: the run is final. */
export interface RunEnd {
  readonly status: RunStatus;
}
