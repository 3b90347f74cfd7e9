/** Public documents about a run, in the form of the HTTP API. Times in ISO 8601. */
import type { RunId } from "../../domain/ids.ts";
import type { LimitKind } from "../../domain/limits/limit.ts";
import type { AttemptError } from "../../domain/run/attempt.ts";
import type { AttemptStatus, RunStatus, TaskStatus } from "../../domain/statuses.ts";
import type { TriggerOrigin } from "../../domain/trigger.ts";
import type { LogLine } from "./settlement-rpc.ts";

/** The answer of `GET /api/v1/runs/{id}`. Times in ISO 8601. */
export interface RunDocument {
  readonly run_id: RunId;
  readonly task: string;
  readonly status: RunStatus;
  readonly trigger: Pick<TriggerOrigin, "source" | "by" | "actor" | "traceparent" | "event"> & {
    readonly parent: { readonly run_id: RunId; readonly task: string } | null;
    readonly replay_of: { readonly run_id: RunId; readonly from: string | null } | null;
  };
  readonly created_at: string;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly duration_ms: number | null;
  readonly conf_version: string;
  readonly tasks: readonly TaskDocument[];
  readonly children: readonly { readonly run_id: RunId; readonly task: string }[];
}

/** A task within a `RunDocument`. */
export interface TaskDocument {
  readonly task: string;
  readonly status: TaskStatus;
  readonly reason: string | null;
  readonly upstream: readonly string[];
  readonly downstream: readonly string[];
  readonly attempts: readonly AttemptDocument[];
  /** Progress of the running attempt, or the last progress. */
  readonly progress: {
    readonly fraction: number;
    readonly message: string | null;
    readonly at: string;
  } | null;
  readonly output: {
    readonly kind: string;
    readonly size: number;
    readonly content_type: string;
  } | null;
  /** Reason why the task does not continue by itself; null: none. */
  readonly waiting_for: WaitingForDocument | null;
  /** URL to complete a waiting external task; only for callers who may change the run. */
  readonly completion_url?: string;
  /** Finished steps; absent: none. */
  readonly steps?: readonly { readonly name: string; readonly finished_at: string }[];
  /** Counts of a task with `each`. */
  readonly each?: {
    readonly total: number;
    readonly succeeded: number;
    readonly failed: number;
    readonly running: number;
  };
}

/**
 * One item of an `each` task. An item that never started is `skipped` after its task has failed.
 */
export interface ItemDocument extends Pick<
  TaskDocument,
  "status" | "reason" | "attempts" | "output"
> {
  readonly index: number;
}

/** Filter and start of a page of items. */
export interface ItemQuery {
  /** Null: all. */
  readonly status: TaskStatus | null;
  readonly from: number;
  readonly limit: number;
}

/** A page of a task's items. */
export interface ItemPage {
  readonly items: readonly ItemDocument[];
  /** Index of the first item of the next page. */
  readonly next: number | null;
}

/**
 * `run`: suspended until that run is final. `completion`: until the completion or the deadline.
 * `deploy`: until code has the method, or the deadline. Otherwise queued, and blocked by a limit or
 * a pause; `key` is the limit's, null if none.
 */
export type WaitingForDocument =
  | { readonly for: "completion"; readonly until: string }
  | { readonly for: "run"; readonly run_id: RunId; readonly task: string }
  | { readonly for: LimitKind | "pause"; readonly key: string | null; readonly since: string }
  | {
      readonly for: "deploy";
      readonly method: string;
      readonly since: string;
      readonly until: string;
    };

/** An attempt, without its logs. */
export interface AttemptDocument {
  readonly attempt: number;
  readonly status: AttemptStatus;
  readonly started_at: string;
  readonly finished_at: string | null;
  readonly error: AttemptError | null;
}

/** A page of log lines. */
export interface TaskLogs {
  readonly logs: readonly (Omit<LogLine, "at"> & {
    readonly at: string;
    readonly attempt: number;
  })[];
  /** Number of lines not kept, over all requested attempts. */
  readonly dropped: number;
  /** Start of the next page; null: no further page. */
  readonly next: LogPlace | null;
}

/** Place of a line; the first line has the number 0. */
export interface LogPlace {
  readonly attempt: number;
  readonly line: number;
}

/** Filter and start of a page of log lines. */
export interface LogQuery {
  /** Null: all attempts. */
  readonly attempt: number | null;
  /** Index of an item; absent: the task itself. */
  readonly item?: number | undefined;
  readonly from: LogPlace;
  readonly limit: number;
}
