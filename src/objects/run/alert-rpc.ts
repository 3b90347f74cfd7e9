/**
 * The alert that a failed run sends to the task of `on_failure`, through an entrypoint of this
 * worker.
 */
import type { RunId } from "../../domain/ids.ts";
import type { AttemptError } from "../../domain/run/attempt.ts";
import type { FailReason } from "../../domain/run/task-state.ts";
import type { TriggerSource } from "../../domain/trigger.ts";

/** A notice that a run has failed. */
export interface Alert {
  /** Name of the task that receives the alert. */
  readonly task: string;
  readonly runId: RunId;
  /** Distinguishes the failures of one run. */
  readonly nth: number;
  /** Number of runs in the chain that led here (see `TriggerOrigin`). */
  readonly depth: number;
  /** The payload of the alert's trigger. */
  readonly summary: {
    readonly run_id: RunId;
    readonly task: string;
    readonly status: "failed";
    readonly source: TriggerSource;
    readonly created_at: string;
    readonly started_at: string | null;
    readonly finished_at: string;
    readonly failed_tasks: readonly {
      readonly task: string;
      readonly reason: FailReason;
      readonly attempts: number;
      readonly error: AttemptError | null;
    }[];
    readonly url_path: string;
  };
}
